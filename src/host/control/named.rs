//! Whom a request names as the one who decided. One rule for all of them: it is a name in one line, and not the gateway's own.
//! Whether it is the right one nobody can check here; the system user who asked stands beside it.

use super::Request;

/// The longest name, in bytes.
const LONGEST: usize = 100;
/// What the journal calls the gateway itself.
const GATEWAY: &str = "labwire";

/// Why nobody can be named so, where a request does. That somebody must be named is for who carries it out to say.
pub(super) fn fault(request: &Request) -> Option<String> {
    let name = name_of(request)?.trim();
    let is_by_choice = matches!(request, Request::Decide { .. } | Request::Reevaluate { .. });
    let why = match name {
        "" if is_by_choice => "a name was begun and not written; write it, or name nobody",
        name if name.len() > LONGEST => "a name has at most 100 bytes",
        name if name.chars().any(char::is_control) => "a name is one line, and holds no control characters",
        name if name.eq_ignore_ascii_case(GATEWAY) => {
            "that is what the journal calls the gateway; name the person"
        }
        _ => return None,
    };
    Some(why.to_owned())
}

fn name_of(request: &Request) -> Option<&str> {
    match request {
        Request::Decide { by, .. } | Request::Reevaluate { by, .. } => by.as_deref(),
        Request::Sign { by, .. } | Request::Qc { by, .. } | Request::Reassign { by, .. } => Some(by),
        Request::Resend(resend) => Some(&resend.by),
        Request::SignOff(signed) => Some(&signed.by),
        Request::Call(call) => Some(&call.by),
        Request::Live
        | Request::Overview
        | Request::Reload
        | Request::Resume { .. }
        | Request::Person { .. }
        | Request::Tap { .. } => None,
    }
}

/// Who decided, as the journal shows it: the person with the account, or the account alone.
pub(super) fn actor(by: Option<&str>, account: String) -> String {
    match by.map(str::trim).filter(|by| !by.is_empty()) {
        Some(by) => format!("{by} ({account})"),
        None => account,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::control::Asked;

    #[test]
    fn nobody_is_named_in_two_lines_or_as_the_gateway_whatever_is_decided() {
        let release = |by: &str| Request::Decide {
            decision: Asked::Release,
            id: 1,
            by: Some(by.to_owned()),
            reason: String::new(),
        };
        let reassign = |by: &str| Request::Reassign {
            results: vec![1],
            specimen: "EX0001".to_owned(),
            by: by.to_owned(),
            reason: String::new(),
        };
        for (name, is_one) in [
            ("Anna Example", true),
            ("Dr. Ö. Example-Sample", true),
            ("Anna\nlabwire", false),
            ("labwire", false),
            (" Labwire ", false),
            (&"x".repeat(101), false),
        ] {
            assert_eq!(fault(&release(name)).is_none(), is_one, "{name:?}");
            assert_eq!(fault(&reassign(name)).is_none(), is_one, "{name:?}");
        }
        assert!(fault(&release(" ")).is_some(), "a name that is begun is written");
        assert_eq!(fault(&reassign("")), None, "who carries it out says that one is missing");
        assert_eq!(fault(&Request::Live), None);
    }

    #[test]
    fn a_person_stands_before_the_account() {
        assert_eq!(actor(Some(" Anna Example "), "root".to_owned()), "Anna Example (root)");
        assert_eq!(actor(Some(" "), "root".to_owned()), "root");
        assert_eq!(actor(None, "root".to_owned()), "root");
    }
}
