//! Who signed which rules: what is kept of it, and that the last signed set stays in force with its own text.

use labwire::domain::Rules;
use labwire::journal::JournalError;
use labwire::journal::rules::Signing;

use super::kit::Lab;

fn rules(text: &str) -> Rules {
    Rules { text: text.to_owned(), sha256: format!("{:0>64}", text.len()), ..Rules::default() }
}

fn sign(lab: &Lab, rules: &Rules, by: &str, statement: &str) -> Result<(), JournalError> {
    let signing = Signing {
        by: by.to_owned(),
        account: "mgarcia".to_owned(),
        statement: statement.to_owned(),
        untried: None,
    };
    lab.wait(lab.journal.sign(rules, signing, lab.now()))
}

#[test]
fn the_last_signed_set_is_in_force_with_its_own_text_over_restarts() {
    let lab = Lab::new();
    assert_eq!(lab.reader.signed_rules().unwrap(), None);
    sign(&lab, &rules("first"), "Dr. Example", "checked against the old LIMS").unwrap();
    sign(&lab, &rules("second"), "Dr. Example", "sodium added").unwrap();
    let lab = lab.reopen();
    let signed = lab.reader.signed_rules().unwrap().unwrap();
    let text = lab.reader.rules_text(&signed).unwrap();
    assert_eq!((text.as_str(), signed.signing.statement.as_str()), ("second", "sodium added"));
    assert_eq!((signed.signing.by.as_str(), signed.signing.account.as_str()), ("Dr. Example", "mgarcia"));
    assert_eq!(lab.ask::<i64>("SELECT count(*) FROM rule_set"), 2, "what was signed before stays");
    sign(&lab, &rules("first"), "Dr. Example", "back again").unwrap();
    let signed = lab.reader.signed_rules().unwrap().unwrap();
    assert_eq!(lab.reader.rules_text(&signed).unwrap(), "first");
}

#[test]
fn a_signature_needs_a_name_and_a_statement_and_something_new() {
    let lab = Lab::new();
    for (by, statement) in [("", "fine"), (" ", "fine"), ("Dr. Example", " ")] {
        assert!(matches!(sign(&lab, &rules("a"), by, statement), Err(JournalError::Refused(_))));
    }
    assert_eq!(lab.reader.signed_rules().unwrap(), None);
    sign(&lab, &rules("a"), "Dr. Example", "fine").unwrap();
    assert!(matches!(sign(&lab, &rules("a"), "Dr. Other", "fine"), Err(JournalError::Refused(_))));
}

#[test]
fn a_signature_stands_in_the_audit_and_never_changes() {
    let lab = Lab::new();
    sign(&lab, &rules("a"), "Dr. Example", "fine").unwrap();
    let last = "SELECT actor || ': ' || step || ', ' || detail FROM audit ORDER BY id DESC LIMIT 1";
    assert_eq!(lab.ask::<String>(last), "mgarcia: rules signed, Dr. Example: fine");
    assert_eq!(lab.reader.audit_break().unwrap(), None);
    let file = rusqlite::Connection::open(lab.path()).unwrap();
    for change in ["UPDATE rule_set SET signed_by = 'Dr. Other'", "DELETE FROM rule_set"] {
        assert!(file.execute(change, []).is_err(), "{change}");
    }
}
