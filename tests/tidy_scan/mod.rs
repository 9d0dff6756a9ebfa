//! Reads Rust source just well enough for `tidy`: code without comments and texts, code without its tests, and the
//! paths that name a module of the gateway. It knows no rules.

/// The code of a file, with its comments, and what stands in its texts, blanked out. Lines stay where they are.
pub(crate) fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let length = skipped(rest, code.chars().next_back());
        let taken = if length == 0 { next.len_utf8() } else { length };
        let (piece, after) = rest.split_at(taken);
        if length == 0 {
            code.push(next);
        } else {
            code.push(' ');
            code.extend(piece.chars().filter(|c| *c == '\n'));
        }
        rest = after;
    }
    code
}

/// How many bytes of comment, text or character stand at the start of `rest`; `before` is the last code before it.
fn skipped(rest: &str, before: Option<char>) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with('r') && !in_word {
        let fence = rest.chars().skip(1).take_while(|c| *c == '#').count();
        if rest.chars().nth(1 + fence) == Some('"') {
            let end = format!("\"{}", "#".repeat(fence));
            let open = fence + 2;
            let inner = rest.split_at(open).1;
            return inner.find(&end).map_or(rest.len(), |at| open + at + end.len());
        }
    }
    if rest.starts_with('"') {
        return quoted(rest, '"');
    }
    let letters: Vec<char> = rest.chars().take(3).collect();
    match letters.as_slice() {
        ['\'', '\\', _] => quoted(rest, '\''),
        ['\'', letter, '\''] => 2 + letter.len_utf8(),
        _ => 0,
    }
}

fn quoted(rest: &str, end: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == end => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(here) = rest.get(at..) {
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            match here.chars().next() {
                Some(c) => at += c.len_utf8(),
                None => break,
            }
        }
    }
    rest.len()
}

/// What stands before the tests, which are the last thing in a file.
pub(crate) fn production(code: &str) -> &str {
    let opens_tests =
        |at: &usize| code.split_at(*at).1.lines().nth(1).is_some_and(|line| line.ends_with('{'));
    let tests = code.match_indices("#[cfg(test)]\nmod ").map(|(at, _)| at).find(opens_tests);
    code.split_at(tests.unwrap_or(code.len())).0
}

/// Whether a path or word stands in the code by itself, not as the end of a longer one.
pub(crate) fn mentions(code: &str, word: &str) -> bool {
    code.match_indices(word)
        .any(|(at, _)| !code.split_at(at).0.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// The gateway's modules that a file names, by `crate::`, by `labwire::`, or by enough `super::` to leave its own.
/// `file` is its path below `src`, without extension.
pub(crate) fn imports(file: &str, code: &str) -> Vec<String> {
    let inner = file.strip_suffix("/mod").unwrap_or(file);
    let above = "super::".repeat(inner.split('/').count());
    let mut modules = Vec::new();
    for root in ["crate::", "labwire::", &above] {
        for (at, _) in code.match_indices(root) {
            let (before, rest) = code.split_at(at);
            let part_of_longer = before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$')
                || (root.starts_with("super") && before.ends_with("super::"));
            if !part_of_longer {
                modules.extend(first_names(rest.split_at(root.len()).1));
            }
        }
    }
    modules.sort();
    modules.dedup();
    modules
}

/// The first name of a path, or of each path of a group.
fn first_names(path: &str) -> Vec<String> {
    let word =
        |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let Some(group) = path.strip_prefix('{') else {
        return Some(word(path)).filter(|name| starts_lower(name)).into_iter().collect();
    };
    let mut depth = 0;
    let mut names = Vec::new();
    let mut name = String::new();
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(std::mem::take(&mut name)),
            c if depth == 0 => name.push(c),
            _ => {}
        }
    }
    names.push(name);
    names.iter().map(|name| word(name.trim())).filter(|name| starts_lower(name)).collect()
}

fn starts_lower(name: &str) -> bool {
    name.starts_with(|c: char| c.is_lowercase())
}
