//! One result as it stands in an HL7 message, compared by what it says. It knows the fields that a LIMS needs and nothing
//! of what codes mean.

use crate::generate::ExpectedResult;

/// One result that was taken, its fields as they stood in the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub control_id: String,
    /// SPM-2.
    pub specimen: String,
    /// OBX-2.
    pub kind: String,
    /// The first component of OBX-3.
    pub code: String,
    /// OBX-4.
    pub sub_id: String,
    /// OBX-5.
    pub value: String,
    /// OBX-6.
    pub unit: String,
    /// OBX-11.
    pub status: String,
    /// The first component of OBX-18.
    pub instrument: String,
}

impl Taken {
    /// Whether this is how the LIMS holds what the analyzer sent, apart from the specimen. An aspect is told behind the
    /// replicate.
    pub(super) fn stands_for(&self, expected: &ExpectedResult) -> bool {
        let mut parts = self.sub_id.split('/');
        let replicate = parts.next().and_then(|part| part.parse().ok());
        self.code == expected.code
            && replicate == Some(expected.replicate)
            && parts.next().unwrap_or_default() == expected.aspect
            && self.says(&expected.value)
    }

    /// Whether the value is the one that was sent. A comparator stands apart in a structured number, a call beside its
    /// code, a flag of the value's in a field of its own; what is no value at all is no value here either.
    fn says(&self, sent: &str) -> bool {
        let unspaced = |text: &str| text.split_whitespace().collect::<String>();
        let sent = unspaced(sent.split('!').next().unwrap_or_default());
        let parts: Vec<String> = self.value.split('^').map(unescaped).collect();
        let part = |at: usize| parts.get(at).map(String::as_str).unwrap_or_default();
        match self.kind.as_str() {
            "SN" => parts.concat() == sent,
            "CWE" => unspaced(part(1)) == sent,
            "ST" => unspaced(part(0)) == sent,
            "" => self.value.is_empty() && self.status == "X" && !sent.contains(|c: char| c.is_ascii_digit()),
            _ => part(0) == sent,
        }
    }

    /// Whether both say the same of one specimen.
    pub(super) fn doubles(&self, other: &Taken) -> bool {
        let identity =
            |it: &Taken| [&it.instrument, &it.code, &it.sub_id, &it.value, &it.status].map(String::clone);
        identity(self) == identity(other)
    }
}

/// MSH-10.
pub(super) fn control_id(message: &[u8]) -> String {
    segments(message).first().map(|header| field(header, 9)).unwrap_or_default()
}

/// Every result of a message about one specimen.
pub(super) fn results(control_id: &str, message: &[u8]) -> Vec<Taken> {
    let segments = segments(message);
    let named = |name: &'static str| segments.iter().filter(move |segment| field(segment, 0) == name);
    let specimen = named("SPM").map(|segment| field(segment, 2)).next().unwrap_or_default();
    let read = |obx: &Vec<String>| Taken {
        control_id: control_id.to_owned(),
        specimen: specimen.clone(),
        kind: field(obx, 2),
        code: unescaped(field(obx, 3).split('^').next().unwrap_or_default()),
        sub_id: field(obx, 4),
        value: field(obx, 5),
        unit: field(obx, 6),
        status: field(obx, 11),
        instrument: field(obx, 18).split(['^', '~']).next().unwrap_or_default().to_owned(),
    };
    named("OBX").map(read).collect()
}

fn segments(message: &[u8]) -> Vec<Vec<String>> {
    let text = String::from_utf8_lossy(message);
    text.split('\r')
        .filter(|line| !line.is_empty())
        .map(|line| line.split('|').map(str::to_owned).collect())
        .collect()
}

fn field(segment: &[String], at: usize) -> String {
    segment.get(at).cloned().unwrap_or_default()
}

/// The separators that a text may not hold as they are.
fn unescaped(text: &str) -> String {
    [("\\F\\", "|"), ("\\S\\", "^"), ("\\T\\", "&"), ("\\R\\", "~"), ("\\E\\", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (written, meant)| text.replace(written, meant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_one_that_was_sent_however_hl7_writes_it() {
        for (obx, sent, is_so) in [
            ("NM|GLU||5.40||||||F", "5.40", true),
            ("NM|GLU||5.40||||||F", "5.4", false),
            ("NM|GLU||4.1||||||F", "4.1!  L ", true),
            ("SN|GLU||>^250.0||||||F", "> 250.0", true),
            ("SN|GLU||<^250.0||||||F", "> 250.0", false),
            ("NM|GLU||250.0||||||F", "> 250.0", false),
            ("CWE|GLU||NR^NR^L||||||F", "NR", true),
            ("CWE|GLU||R^R^L||||||F", "NR", false),
            ("ST|GLU||a\\S\\b||||||F", "a^b", true),
            ("|GLU||||||||X", "No Result", true),
            ("|GLU||||||||F", "No Result", false),
            ("|GLU||||||||X", "5.40", false),
        ] {
            let message = format!("MSH|^~\\&|||||||ORU|1\rOBX|1|{obx}\rSPM|1|S\r");
            let [taken] = results("1", message.as_bytes()).try_into().unwrap();
            assert_eq!(taken.says(sent), is_so, "{obx} {sent}");
        }
    }
}
