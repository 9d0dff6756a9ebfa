//! What servers answer when they are asked what they hold: MLSD's facts, and the two forms of LIST that are met. Text
//! only; a line that isn't understood is said to be none, never taken for no file.

use crate::intake::drop::decide::{NoFile, Other};

/// A file as a server's listing names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    /// In bytes.
    pub(super) size: u64,
    /// Its time, as the line says it.
    pub(super) time: String,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    File(Entry),
    Other(Other),
    /// A folder, a sum, or nothing.
    Nothing,
}

/// A line of MLSD, or of MLST without its leading blank.
pub(super) fn facts(line: &str) -> Seen {
    let kind = line.split(';').find_map(|fact| {
        let (key, value) = fact.split_once('=')?;
        key.trim().eq_ignore_ascii_case("type").then(|| value.to_ascii_lowercase())
    });
    match kind.as_deref() {
        _ if line.trim().is_empty() => Seen::Nothing,
        Some("dir" | "cdir" | "pdir") => Seen::Nothing,
        Some(kind) if kind.contains("link") => other(line, NoFile::Link),
        _ => file_of_facts(line).map_or_else(|| other(line, NoFile::Unknown), Seen::File),
    }
}

fn file_of_facts(line: &str) -> Option<Entry> {
    let (facts, name) = line.split_once(' ')?;
    let (mut is_file, mut size, mut time, mut unique) = (false, None, String::new(), "");
    for fact in facts.split(';').filter(|fact| !fact.is_empty()) {
        let (key, value) = fact.split_once('=')?;
        match key.to_ascii_lowercase().as_str() {
            "type" => is_file = value.eq_ignore_ascii_case("file"),
            "size" => size = Some(value.parse().ok()?),
            "modify" => value.clone_into(&mut time),
            "unique" => unique = value,
            _ => {}
        }
    }
    if !unique.is_empty() {
        // It tells a file from another that took its name.
        time = format!("{time} {unique}");
    }
    let name = name.rsplit('/').next().unwrap_or(name);
    (is_file && !name.is_empty()).then(|| Entry { name: name.to_owned(), size: size.unwrap_or(0), time })
}

/// A line of LIST, as Unix writes it or as DOS does.
pub(super) fn line(line: &str) -> Seen {
    let file = match line.bytes().next() {
        None => return Seen::Nothing,
        Some(b'd') => return Seen::Nothing,
        Some(_) if line.trim().is_empty() || line.starts_with("total ") => return Seen::Nothing,
        Some(b'l') => {
            let named = unix(&line.replacen('l', "-", 1)).map(|entry| entry.name).unwrap_or_default();
            let name = named.split(" -> ").next().unwrap_or_default().to_owned();
            return Seen::Other(Other { name, what: NoFile::Link });
        }
        Some(b'p' | b's' | b'b' | b'c') => return other(line, NoFile::Special),
        Some(b'0'..=b'9') if words(line).get(2).is_some_and(|(_, word)| *word == "<DIR>") => {
            return Seen::Nothing;
        }
        Some(b'0'..=b'9') => dos(line),
        Some(_) => unix(line),
    };
    file.map_or_else(|| other(line, NoFile::Unknown), Seen::File)
}

/// By its last word, since its name can't be told from the rest.
fn other(line: &str, what: NoFile) -> Seen {
    let name = line.split_whitespace().next_back().unwrap_or_default().to_owned();
    Seen::Other(Other { name, what })
}

/// `-rw-r--r--   1 owner group   1234 Nov 21 10:48 the name`; the group may be missing.
fn unix(line: &str) -> Option<Entry> {
    if !line.starts_with('-') {
        return None;
    }
    let words = words(line);
    // The month is what a size stands before and a day behind.
    let month = (4..=5).find(|at| {
        let is = |at: usize, fits: fn(&str) -> bool| words.get(at).is_some_and(|(_, word)| fits(word));
        let number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
        let month = |word: &str| !word.bytes().all(|byte| byte.is_ascii_digit());
        is(at - 1, number) && is(*at, month) && is(at + 1, |word| word.len() <= 3)
    })?;
    let size = words.get(month - 1)?.1.parse().ok()?;
    let (_, clock) = words.get(month + 2)?;
    let (start, _) = words.get(month)?;
    let end = words.get(month + 2)?.0 + clock.len();
    let (time, rest) = (line.get(*start..end)?, line.get(end..)?);
    named(rest.strip_prefix(' ')?, size, time)
}

/// `11-21-26  10:48AM                 1234 the name`, or `<DIR>` instead of a size.
fn dos(line: &str) -> Option<Entry> {
    let words = words(line);
    let (at, size) = words.get(2)?;
    let end = words.get(1).map(|(at, word)| at + word.len())?;
    let rest = line.get(at + size.len()..)?;
    named(rest.strip_prefix(' ')?, size.parse().ok()?, line.get(..end)?)
}

fn named(name: &str, size: u64, time: &str) -> Option<Entry> {
    // One blank and only one: the name may begin with another.
    (!name.is_empty()).then(|| Entry { name: name.to_owned(), size, time: time.to_owned() })
}

/// The words of a line, each with where it begins.
fn words(line: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut from = 0;
    for word in line.split(' ') {
        if !word.is_empty() {
            words.push((from, word));
        }
        from += word.len() + 1;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(seen: Seen) -> String {
        match seen {
            Seen::File(it) => format!("{:?} {} {:?}", it.name, it.size, it.time),
            Seen::Other(it) => format!("{:?} {:?}", it.name, it.what),
            Seen::Nothing => "no file".to_owned(),
        }
    }

    #[test]
    fn the_lines_of_list_as_servers_write_them() {
        for (text, expected) in [
            (
                "-rw-------    1 0        0            1234 Nov 21 10:48 day.csv",
                "\"day.csv\" 1234 \"Nov 21 10:48\"",
            ),
            (
                "-rw-r--r--   1 ftp      ftp             0 Jan 01  2025 a b  c.txt",
                "\"a b  c.txt\" 0 \"Jan 01  2025\"",
            ),
            (
                "-rwxrwxrwx   1 owner    group   2147483648 Nov  1 00:00  lead",
                "\" lead\" 2147483648 \"Nov  1 00:00\"",
            ),
            ("-rw-r--r--   1 labor            77 Nov 21 10:48 x", "\"x\" 77 \"Nov 21 10:48\""),
            ("-rw-r--r--   1 12 34 77 Nov 21 10:48 12 Nov 3 04:00", "\"12 Nov 3 04:00\" 77 \"Nov 21 10:48\""),
            ("drwxr-xr-x    2 0        0            4096 Nov 21 10:48 archive", "no file"),
            ("lrwxrwxrwx    1 0        0              7 Nov 21 10:48 a -> b", "\"a\" Link"),
            ("prw-r--r--    1 0        0              0 Nov 21 10:48 pipe", "\"pipe\" Special"),
            ("brw-rw----    1 0        6         254, 0 Nov 21 10:48 vda", "\"vda\" Special"),
            ("-rw-r--r--    1 0        0             7 2026-11-21 10:48 iso.csv", "\"iso.csv\" Unknown"),
            ("DAY.CSV;1     1/4    21-NOV-2026 10:48:00  [LAB]  (RWED)", "\"(RWED)\" Unknown"),
            ("total 12", "no file"),
            ("", "no file"),
            ("11-21-26  10:48AM                 1234 DAY.CSV", "\"DAY.CSV\" 1234 \"11-21-26  10:48AM\""),
            (
                "11-21-2026  10:48PM       2147483648 a b.txt",
                "\"a b.txt\" 2147483648 \"11-21-2026  10:48PM\"",
            ),
            ("11-21-26  10:48AM       <DIR>          archive", "no file"),
            ("-rw-r--r-- 1 a b 18446744073709551616 Nov 21 10:48 big", "\"big\" Unknown"),
        ] {
            assert_eq!(shown(line(text)), expected, "{text}");
        }
    }

    #[test]
    fn the_facts_of_mlsd_as_servers_write_them() {
        for (text, expected) in [
            (
                "type=file;size=1234;perm=r;modify=20261121104800;unix.mode=0644;unique=801g2c; day.csv",
                "\"day.csv\" 1234 \"20261121104800 801g2c\"",
            ),
            ("Type=File;Size=7;Modify=20261121104800.123; a b.csv", "\"a b.csv\" 7 \"20261121104800.123\""),
            ("modify=20261121104800;type=dir;sizd=4096; archive", "no file"),
            ("type=cdir;modify=20261121104800; .", "no file"),
            ("type=file;size=9;modify=20261121104800; /out/day.csv", "\"day.csv\" 9 \"20261121104800\""),
            ("type=pdir;modify=20261121104800; ..", "no file"),
            ("type=OS.unix=slink:/srv/a;size=9; a", "\"a\" Link"),
            ("type=OS.unix=symlink;size=9; a", "\"a\" Link"),
            ("size=9; day.csv", "\"day.csv\" Unknown"),
            ("type=file;size=many; day.csv", "\"day.csv\" Unknown"),
            ("nothing", "\"nothing\" Unknown"),
        ] {
            assert_eq!(shown(facts(text)), expected, "{text}");
        }
    }
}
