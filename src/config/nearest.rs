//! Guesses which of the known words a mistyped one was meant to be, and lists words for a message.

/// The known word that `word` most likely stands for; `None` where none is close.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (word.chars().count() / 3).max(1);
    let contains = |other: &str| word.len() > 3 && other.contains(word);
    known
        .into_iter()
        .map(|other| (if contains(other) { 1 } else { distance(word, other) }, other))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}

/// `"a", "b" or "c"`.
pub(super) fn either<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut quoted: Vec<String> = words.into_iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.pop() {
        Some(last) if quoted.is_empty() => last,
        Some(last) => format!("{} or {last}", quoted.join(", ")),
        None => String::new(),
    }
}

/// How many letters must be added, removed or changed to make one word the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        let mut next = vec![left];
        for (other, above) in to.chars().zip(row.iter().skip(1)) {
            let changed = diagonal + usize::from(letter != other);
            left = changed.min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_the_one_that_was_meant() {
        let keys = ["baud", "data_bits", "parity", "stop_bits", "token_file"];
        for (word, expected) in [
            ("buad", None),
            ("bauds", Some("baud")),
            ("databits", Some("data_bits")),
            ("partiy", Some("parity")),
            ("stopbits", Some("stop_bits")),
            ("token", Some("token_file")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, keys), expected, "{word:?}");
        }
    }

    #[test]
    fn words_are_listed_as_a_person_would() {
        assert_eq!(either(["a", "b", "c"]), r#""a", "b" or "c""#);
        assert_eq!(either(["a"]), r#""a""#);
        assert_eq!(either([]), "");
    }
}
