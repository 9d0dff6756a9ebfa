//! Columns that are tests: how a header's text names the test and its unit, and which columns are something else.

use super::Pattern;

/// The tests of a table that has a row for each specimen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestColumns {
    pub form: HeaderForm,
    /// The column that qualifies a test's value, such as `{code}/M`.
    pub flags: Option<HeaderForm>,
    /// The only columns that are tests, where the profile lists them.
    pub listed: Vec<String>,
    /// Columns that are no tests though their headers look so.
    pub others: Vec<Pattern>,
}

impl TestColumns {
    /// The test that a column is for, and its unit where the header names one. `None` where it is no test.
    pub fn test<'h>(&self, header: &'h str) -> Option<(&'h str, Option<&'h str>)> {
        let listed = self.listed.is_empty() || self.listed.iter().any(|name| name == header);
        if !listed || self.is_something_else(header) { None } else { self.form.read(header) }
    }

    /// Whether a column may be a test by its bare code: one that is measured without a unit isn't written as the others are.
    pub fn may_be_bare(&self, header: &str) -> bool {
        self.listed.is_empty() && !self.is_something_else(header)
    }

    fn is_something_else(&self, header: &str) -> bool {
        let is_flags = self.flags.as_ref().is_some_and(|flags| flags.read(header).is_some());
        is_flags || self.others.iter().any(|other| other.matches(header))
    }
}

/// A header's text: `{code}`, or the two of `{code}` and `{unit}` with something between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderForm {
    before: String,
    /// What stands between code and unit. `None`: there is no unit.
    between: Option<String>,
    after: String,
}

impl HeaderForm {
    /// Reads such as `{code}({unit})`. `None` for anything else.
    pub fn parse(text: &str) -> Option<HeaderForm> {
        let (before, rest) = text.split_once("{code}")?;
        let (between, after) = match rest.split_once("{unit}") {
            Some(("", _)) => return None,
            Some((between, after)) => (Some(between.to_owned()), after),
            None => (None, rest),
        };
        let plain = |text: &str| !text.contains(['{', '}']);
        let form = HeaderForm { before: before.to_owned(), between, after: after.to_owned() };
        (plain(before) && plain(after) && form.between.as_deref().is_none_or(plain)).then_some(form)
    }

    /// A header that is the code.
    pub fn bare() -> HeaderForm {
        HeaderForm { before: String::new(), between: None, after: String::new() }
    }

    /// The header of one test's column.
    pub fn write(&self, code: &str) -> String {
        format!("{}{code}{}", self.before, self.after)
    }

    pub fn has_unit(&self) -> bool {
        self.between.is_some()
    }

    /// The code and the unit.
    fn read<'h>(&self, header: &'h str) -> Option<(&'h str, Option<&'h str>)> {
        let inner = header.strip_prefix(self.before.as_str())?.strip_suffix(self.after.as_str())?;
        let (code, unit) = match &self.between {
            Some(between) => inner.split_once(between.as_str()).map(|(code, unit)| (code, Some(unit)))?,
            None => (inner, None),
        };
        let code = code.trim();
        (!code.is_empty()).then_some((code, unit.map(str::trim)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_names_a_test_and_its_unit() {
        let columns = TestColumns {
            form: HeaderForm::parse("{code}({unit})").unwrap(),
            flags: HeaderForm::parse("{code}/M"),
            listed: Vec::new(),
            others: vec![Pattern::new("Error(*")],
        };
        for (header, expected) in [
            ("WBC(10/uL)", Some(("WBC", Some("10/uL")))),
            ("MCV(10^(-1)fL)", Some(("MCV", Some("10^(-1)fL")))),
            ("WBC/M", None),
            ("Error(Func)", None),
            ("Sample ID", None),
            ("(g/L)", None),
        ] {
            assert_eq!(columns.test(header), expected, "{header}");
        }
        assert_eq!(columns.flags.unwrap().write("WBC"), "WBC/M");
        for text in ["{unit}", "{code}{unit}", "{code}{x}", "code"] {
            assert_eq!(HeaderForm::parse(text), None, "{text}");
        }
    }
}
