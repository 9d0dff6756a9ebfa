//! System users: their names, for the audit, and what one of them may read.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The user that the service runs as where the package installed it.
pub const SERVICE: &str = "labwire";

/// A user of the system, with the groups that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    uid: u32,
    groups: BTreeSet<u32>,
}

impl User {
    /// `None` where this machine has no such user.
    pub fn named(name: &str) -> Option<User> {
        let groups = fs::read_to_string("/etc/group").unwrap_or_default();
        User::among(&fs::read_to_string("/etc/passwd").ok()?, &groups, name)
    }

    fn among(users: &str, groups: &str, name: &str) -> Option<User> {
        let fields = |line: &str| line.split(':').map(str::to_owned).collect::<Vec<String>>();
        let number = |fields: &[String], at: usize| fields.get(at)?.parse::<u32>().ok();
        let user = users.lines().map(fields).find(|fields| fields.first().is_some_and(|it| it == name))?;
        let in_them = groups.lines().map(fields).filter(|fields| {
            fields.get(3).is_some_and(|members| members.split(',').any(|member| member == name))
        });
        let mut groups: BTreeSet<u32> = in_them.filter_map(|fields| number(&fields, 2)).collect();
        groups.extend(number(&user, 3));
        Some(User { uid: number(&user, 2)?, groups })
    }

    /// What keeps it from reading a file that is there: the first of the folders above it, or the file. Rights beyond those of
    /// owner, group and others aren't looked at.
    pub fn obstacle(&self, file: &Path) -> Option<PathBuf> {
        const READ: u32 = 4;
        const ENTER: u32 = 1;
        let real = fs::canonicalize(file).ok()?;
        let mut way: Vec<&Path> = real.ancestors().collect();
        way.reverse();
        let refused = |path: &&&Path| {
            let wanted = if **path == real { READ } else { ENTER };
            fs::metadata(path).is_ok_and(|meta| self.rights(&meta) & wanted == 0)
        };
        way.iter().find(refused).map(|path| path.to_path_buf())
    }

    fn rights(&self, meta: &fs::Metadata) -> u32 {
        let mode = meta.mode();
        match () {
            () if self.uid == 0 => 7,
            () if meta.uid() == self.uid => mode >> 6,
            () if self.groups.contains(&meta.gid()) => mode >> 3,
            () => mode,
        }
    }
}

/// The name of a user id, or `uid N` where the system has none for it.
pub(super) fn name(uid: u32) -> String {
    std::fs::read_to_string("/etc/passwd")
        .ok()
        .and_then(|users| find(&users, uid))
        .unwrap_or_else(|| format!("uid {uid}"))
}

fn find(users: &str, uid: u32) -> Option<String> {
    let wanted = uid.to_string();
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == wanted).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/bash\nlab:x:1000:1000::/home/lab:/bin/sh\n";
        assert_eq!(find(users, 1000).as_deref(), Some("lab"));
        assert_eq!(find(users, 7), None);
    }

    #[test]
    fn who_may_not_read_a_file_is_told_what_is_in_the_way() {
        use std::os::unix::fs::PermissionsExt;
        let users = "root:x:0:0::/:/bin/sh\nlabwire:x:4242:4243::/:/bin/false\n";
        let (user, root) =
            (User::among(users, "", "labwire").unwrap(), User::among(users, "", "root").unwrap());
        assert_eq!(User::among(users, "", "nobody"), None);
        let folder = tempfile::tempdir().unwrap();
        let (inner, file) = (folder.path().join("inner"), folder.path().join("inner/token"));
        fs::create_dir(&inner).unwrap();
        fs::write(&file, "").unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        mode(folder.path(), 0o711);
        for (of_folder, of_file, expected) in
            [(0o700, 0o644, Some(&inner)), (0o711, 0o640, Some(&file)), (0o711, 0o644, None)]
        {
            mode(&inner, of_folder);
            mode(&file, of_file);
            assert_eq!(user.obstacle(&file).as_ref(), expected, "{of_folder:o} {of_file:o}");
            assert_eq!(root.obstacle(&file), None);
        }
        mode(&file, 0o640);
        let group = format!("adm:x:4:\nlab:x:{}:other,labwire\n", fs::metadata(&file).unwrap().gid());
        let member = User::among(users, &group, "labwire").unwrap();
        assert_eq!(member.obstacle(&file), None, "by its group");
        assert_eq!(member.obstacle(&folder.path().join("none")), None, "what isn't there is told elsewhere");
    }
}
