//! How HL7 analyzers ask what to do with a tube, what they await and what they answer. It judges no order.

use std::fmt;
use std::str::FromStr;

/// A model's way of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// IHE LAW: QBP^Q11, answered by RSP^K11; the work follows in an OML^O33, which it answers with ORL^O34.
    Law,
    /// QRY^Q02, answered by QCK^Q02; the work follows in a DSR^Q03, which it answers with ACK^Q03.
    Mindray,
    /// ORM^O01, answered by ORR^O02 alone.
    MindrayOrm,
}

/// What an analyzer does about a message that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// It isn't of the answer.
    PassOver,
    /// More is to come.
    Await,
    /// That was all; this is said, if anything.
    Finish(Option<Vec<u8>>),
}

impl Way {
    pub const ALL: [Way; 3] = [Way::Law, Way::Mindray, Way::MindrayOrm];

    pub fn name(self) -> &'static str {
        match self {
            Way::Law => "law",
            Way::Mindray => "mindray",
            Way::MindrayOrm => "mindray-orm",
        }
    }

    /// `id` is MSH-10.
    pub fn question(self, specimen: &str, id: &str) -> Vec<u8> {
        let now = "20260501080202";
        match self {
            Way::Law => format!(
                "MSH|^~\\&|cobas pro||host||{now}||QBP^Q11^QBP_Q11|{id}|P|2.5.1|||NE|AL||UNICODE UTF-8|||LAB-27R^ROCHE\r\
                 QPD|INISEQ^^99ROC|{id}|{specimen}|50001|1|||||SERPLAS^^99ROC|SC^^99ROC|R\rRCP|I|1|R^^HL70394\r"
            ),
            Way::Mindray => format!(
                "MSH|^~\\&|Mindray|BS-200|||{now}||QRY^Q02|{id}|P|2.3.1||||||ASCII|||\r\
                 QRD|{now}|R|D|1|||RD|{specimen}|OTH|||T|\rQRF|BS-200|1|2|||RCT|COR|ALL||\r"
            ),
            Way::MindrayOrm => format!(
                "MSH|^~\\&|BC-5380|Mindray|||{now}||ORM^O01|{id}|P|2.3.1||||||UNICODE\rORC|RF||{specimen}||IP\r"
            ),
        }
        .into_bytes()
    }

    /// What to do about a message that came while an answer is awaited.
    pub(super) fn next(self, message: &[u8]) -> Next {
        let kind = field(message, "MSH", 8);
        let has_work = field(message, "QAK", 2).starts_with("OK");
        match (self, kind.split('^').next().unwrap_or_default()) {
            (Way::Law, "RSP") | (Way::Mindray, "QCK") if has_work => Next::Await,
            (Way::Law, "RSP") | (Way::Mindray, "QCK") | (Way::MindrayOrm, "ORR") => Next::Finish(None),
            (Way::Law, "OML") => Next::Finish(Some(taken(message, "ORL^O34^ORL_O42"))),
            (Way::Mindray, "DSR") => Next::Finish(Some(taken(message, "ACK^Q03"))),
            _ => Next::PassOver,
        }
    }
}

/// That a message was taken.
fn taken(message: &[u8], kind: &str) -> Vec<u8> {
    let id = field(message, "MSH", 9);
    let version = field(message, "MSH", 11);
    format!("MSH|^~\\&|labsim||||20260501||{kind}|T{id}|P|{version}|||NE|NE\rMSA|AA|{id}\r").into_bytes()
}

/// A field as it stands; of MSH the number is one less than the standard's.
fn field(message: &[u8], segment: &str, number: usize) -> String {
    let text = String::from_utf8_lossy(message);
    let line = text.split('\r').find(|line| line.split('|').next() == Some(segment));
    line.and_then(|line| line.split('|').nth(number)).unwrap_or_default().to_owned()
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Way {
    type Err = String;

    fn from_str(text: &str) -> Result<Way, String> {
        Way::ALL
            .into_iter()
            .find(|way| way.name() == text)
            .ok_or_else(|| format!("write {}", Way::ALL.map(Way::name).join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(way: Way, message: &str) -> Next {
        way.next(message.replace('/', "\r").as_bytes())
    }

    #[test]
    fn an_analyzer_knows_when_it_has_heard_everything() {
        for (way, message, expected) in [
            (Way::Law, "MSH|x|||||||RSP^K11^RSP_K11|9|P|2.5.1/QAK|1|OK|/", Next::Await),
            (Way::Law, "MSH|^~\\&|||||||RSP^K11^RSP_K11|9|P|2.5.1/QAK|1|NF|/", Next::Finish(None)),
            (Way::Mindray, "MSH|^~\\&|||||||QCK^Q02|9|P|2.3.1/QAK|SR|OK|/", Next::Await),
            (Way::MindrayOrm, "MSH|^~\\&|||||||ORR^O02|9|P|2.3.1/MSA|AR|1/", Next::Finish(None)),
            (Way::Mindray, "MSH|^~\\&|||||||ORR^O02|9|P|2.3.1/MSA|AR|1/", Next::PassOver),
        ] {
            assert_eq!(next(way, message), expected, "{way}: {message}");
        }
    }

    #[test]
    fn work_is_taken_by_its_number() {
        let Next::Finish(Some(said)) = next(Way::Law, "MSH|^~\\&|||||||OML^O33^OML_O33|O7|P|2.5.1/") else {
            panic!("work ends it");
        };
        assert!(String::from_utf8(said).unwrap().contains("MSA|AA|O7\r"));
    }
}
