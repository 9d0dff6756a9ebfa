//! Which file names are meant.

/// A file name in which `*` stands for anything and `?` for one character. Upper and lower case of ASCII letters are
/// alike, because analyzers and their servers disagree about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    pub fn new(glob: impl Into<String>) -> Glob {
        Glob(glob.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name that it matches.
    pub fn example(&self) -> String {
        self.0.replace('*', "").replace('?', "x")
    }

    /// Takes time in proportion to the product of both lengths at worst.
    pub fn matches(&self, name: &str) -> bool {
        let (glob, name): (Vec<char>, Vec<char>) = (self.0.chars().collect(), name.chars().collect());
        let (mut at, mut of) = (0, 0);
        // Where the latest star stands, and how far the name was when it was reached.
        let mut star: Option<(usize, usize)> = None;
        while let Some(character) = name.get(of) {
            match glob.get(at) {
                Some('*') => {
                    star = Some((at, of));
                    at += 1;
                }
                Some(wanted) if *wanted == '?' || wanted.eq_ignore_ascii_case(character) => {
                    (at, of) = (at + 1, of + 1);
                }
                _ => match star {
                    // The star takes one character more.
                    Some((back, taken)) => {
                        star = Some((back, taken + 1));
                        (at, of) = (back + 1, taken + 1);
                    }
                    None => return false,
                },
            }
        }
        glob.iter().skip(at).all(|rest| *rest == '*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_and_a_question_mark_for_one_character() {
        for (glob, name, expected) in [
            ("*", "", true),
            ("*.csv", "day.csv", true),
            ("*.csv", "DAY.CSV", true),
            ("*.csv", "day.csv.tmp", false),
            ("*.csv", ".csv", true),
            ("day?.txt", "day7.txt", true),
            ("day?.txt", "day.txt", false),
            ("a*b*c", "axxbyybzc", true),
            ("a*b*c", "axxbyybz", false),
            ("result", "result", true),
            ("result", "results", false),
            ("", "x", false),
            ("*\u{e9}?", "caf\u{e9}s", true),
            ("**a", "bba", true),
        ] {
            assert_eq!(Glob::new(glob).matches(name), expected, "{glob} {name}");
        }
    }

    #[test]
    fn a_glob_of_many_stars_ends_soon() {
        let name = "a".repeat(5_000);
        assert!(!Glob::new("*a".repeat(50) + "b").matches(&name));
    }
}
