//! Names of system users, for the audit.

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
}
