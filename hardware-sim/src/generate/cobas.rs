//! cobas pro: HL7 OUL^R22, one specimen a message, a number and an empty qualitative result for each test.

use super::draft::{Draft, Said};

/// Code, unit, lowest, highest, decimal places.
const TESTS: [(&str, &str, u64, u64, usize); 1] = [("10020", "ng/dL", 60, 520, 2)];

pub(super) fn write(draft: &mut Draft<'_>, number: u64) {
    let now = draft.now;
    let patient = draft.patient();
    draft.record(&format!(
        "MSH|^~\\&|cobas pro||Host||{now}+0000||OUL^R22^OUL_R22|SIM{number}|P|2.5.1|||NE|AL||UNICODE UTF-8|||LAB-29^IHE"
    ));
    draft.record(&format!(
        "PID|1||{}||{}^{}||{}|{}",
        patient.id, patient.family, patient.given, patient.birth_date, patient.sex
    ));
    draft.record(&format!("SPM|1|{}&BARCODE||SERPLAS^^99ROC|||||||P^^HL70369", draft.specimen));
    draft.record(&format!("SAC|||{}^BARCODE|||||||50036|1", draft.specimen));
    for (code, unit, low, high, places) in TESTS {
        let value = draft.number(low, high, places);
        let (value, status) = if draft.is_odd() { ("", "X") } else { (value.as_str(), "F") };
        let unit = if value.is_empty() { "" } else { unit };
        let completed = now.earlier(draft.chance.between(1, 10));
        let rest = format!("|||||ADMIN||e801^ROCHE~7001-01^ROCHE~1^ROCHE|{completed}||||||||||RSLT");
        draft.record(&format!("OBR|1|\"\"||{code}^^99ROC"));
        draft.record("ORC|SC||||CM");
        draft.record("TQ1|||||||||R^^HL70485");
        draft.result(
            &format!(
                "OBX|1|NM|{code}^{code}^99ROC^^^IHELAW|1|{value}|{unit}^^99ROC||N^^HL70078|||{status}{rest}"
            ),
            Said { code, aspect: "NM", value, unit, status },
        );
        draft.record(&format!("OBX|2|CE|{code}^{code}^99ROC^^^IHELAW|1|^^99ROC|||N^^HL70078|||F{rest}"));
    }
}
