//! What an HL7 acknowledgement means: MSA-1, then the codes of ERR-3.

use labwire_hl7::transfer::{Answer, Code};

use super::{Judgement, Reply, answered, reason};
use crate::config::settings::{AnswerRule, VerdictKind};
use crate::journal::ObservationId;

/// HL7 table 0357: the message's type, event, processing ID or version isn't supported. Sending it again won't help.
const UNSUPPORTED: std::ops::RangeInclusive<u32> = 200..=203;
/// HL7 table 0357: the record is locked, or the application failed. It may go better next time.
const PASSING: std::ops::RangeInclusive<u32> = 206..=207;

/// Judges what came of sending these observations.
pub fn judge(reply: &Reply<Answer>, rules: &[AnswerRule], items: &[ObservationId]) -> Judgement {
    let answer = match answered(reply, items) {
        Ok(answer) => answer,
        Err(judgement) => return judgement,
    };
    let errors = errors(answer);
    let (verdict, how) = match rules.iter().find(|rule| fits(rule, answer, &errors)) {
        Some(rule) => (rule.verdict, ", which a rule of this destination decides"),
        None => (built_in(answer.code, &errors), ""),
    };
    let codes: String = errors.iter().take(8).map(|code| format!(", error {code}")).collect();
    let detail = format!("answered {}{codes}{how}", answer.code.letters());
    let reason = reason(&detail, &words(answer).collect::<Vec<_>>().join("; "));
    Judgement::of_all(verdict, detail, &reason, items)
}

fn built_in(code: Code, errors: &[u32]) -> VerdictKind {
    match code {
        Code::Accept => VerdictKind::Accepted,
        Code::CommitAccept => VerdictKind::Staged,
        Code::Error if !errors.is_empty() && errors.iter().all(|error| PASSING.contains(error)) => {
            VerdictKind::Retry
        }
        Code::Reject if errors.iter().any(|error| UNSUPPORTED.contains(error)) => VerdictKind::Refused,
        Code::Error | Code::CommitReject => VerdictKind::Refused,
        Code::Reject | Code::CommitError => VerdictKind::Retry,
    }
}

fn fits(rule: &AnswerRule, answer: &Answer, errors: &[u32]) -> bool {
    let has_error =
        rule.errors.is_none_or(|(first, last)| errors.iter().any(|error| (first..=last).contains(error)));
    let has_text = rule.text.as_ref().is_none_or(|text| words(answer).any(|said| said.contains(text)));
    rule.code == answer.code && has_error && has_text
}

/// What the answer complains about, as numbers; a code that is none says nothing.
fn errors(answer: &Answer) -> Vec<u32> {
    answer.complaints.iter().filter_map(|complaint| complaint.code.parse().ok()).collect()
}

fn words(answer: &Answer) -> impl Iterator<Item = &str> {
    let complaints = answer.complaints.iter();
    let said = complaints.flat_map(|complaint| [complaint.message.as_str(), complaint.diagnostic.as_str()]);
    std::iter::once(answer.text.as_str()).chain(said).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::Why;
    use super::*;
    use crate::journal::ledger::Fate;

    const ITEMS: [ObservationId; 2] = [ObservationId(1), ObservationId(2)];

    fn answer(segments: &str) -> Reply<Answer> {
        let text = format!("MSH|^~\\&|LIS\r{segments}\r");
        Reply::Answered(Answer::parse(text.as_bytes()).unwrap())
    }

    fn verdict(segments: &str, rules: &[AnswerRule]) -> VerdictKind {
        judge(&answer(segments), rules, &ITEMS).verdict
    }

    #[test]
    fn the_built_in_table_decides_by_code_and_error() {
        use VerdictKind::{Accepted, Refused, Retry, Staged};
        for (segments, expected) in [
            ("MSA|AA|7", Accepted),
            ("MSA|CA|7", Staged),
            ("MSA|AR|7|down", Retry),
            ("MSA|AR|7\rERR|||207", Retry),
            ("MSA|AR|7\rERR|||200^Unsupported message type^HL70357", Refused),
            ("MSA|AR|7\rERR|||203", Refused),
            ("MSA|AE|7|no such order", Refused),
            ("MSA|AE|7\rERR|||101", Refused),
            ("MSA|AE|7\rERR|||206", Retry),
            ("MSA|AE|7\rERR|||207^Application internal error", Retry),
            ("MSA|AE|7|||207", Refused),
            ("MSA|AE|7||||207^Application internal error", Retry),
            ("MSA|AE|7\rERR|PID^1^5^207&Internal", Retry),
            ("MSA|AE|7\rERR|||207\rERR|||101", Refused),
            ("MSA|CR|7", Refused),
            ("MSA|CE|7", Retry),
        ] {
            assert_eq!(verdict(segments, &[]), expected, "{segments}");
        }
    }

    #[test]
    fn no_connection_is_tried_again_and_no_answer_is_unknown() {
        let not_sent = judge(&Reply::NotSent(Why::unknown("connection refused")), &[], &ITEMS);
        assert_eq!(not_sent.verdict, VerdictKind::Retry);
        let no_answer = judge(&Reply::NoAnswer(Why::unknown("the connection was lost")), &[], &ITEMS);
        assert_eq!(no_answer.verdict, VerdictKind::Unknown);
        assert!(no_answer.fates.iter().all(|(_, fate)| *fate == Fate::Unknown));
    }

    #[test]
    fn a_rule_of_the_destination_comes_first_and_fits_as_a_whole() {
        let rule = |code, errors, text: Option<&str>, verdict| AnswerRule {
            code,
            errors,
            text: text.map(str::to_owned),
            verdict,
        };
        let rules = [
            rule(Code::CommitAccept, None, None, VerdictKind::Accepted),
            rule(Code::Error, Some((205, 205)), None, VerdictKind::Duplicate),
            rule(Code::Reject, None, Some("duplicate"), VerdictKind::Duplicate),
        ];
        for (segments, expected) in [
            ("MSA|CA|7", VerdictKind::Accepted),
            ("MSA|AE|7\rERR|||205", VerdictKind::Duplicate),
            ("MSA|AE|7\rERR|||204", VerdictKind::Refused),
            ("MSA|AR|7|a duplicate message", VerdictKind::Duplicate),
            ("MSA|AR|7\rERR|||207||||x|duplicate", VerdictKind::Duplicate),
            ("MSA|AR|7|busy", VerdictKind::Retry),
        ] {
            assert_eq!(verdict(segments, &rules), expected, "{segments}");
        }
    }

    #[test]
    fn the_lims_words_are_kept_for_a_person_and_stay_out_of_the_log() {
        let judgement = judge(&answer("MSA|AE|7|no order for Example\rERR|||204"), &[], &ITEMS);
        assert_eq!(judgement.detail, "answered AE, error 204");
        let reason = Fate::Refused("answered AE, error 204: no order for Example".to_owned());
        assert!(judgement.fates.iter().all(|(_, fate)| *fate == reason), "{:?}", judgement.fates);
    }
}
