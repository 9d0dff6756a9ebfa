//! Why the gateway refused what somebody asked for, known again as other kept texts are: whoever refuses says it in English, to
//! commands and programs too. What isn't known again stays as it stands.

use super::kept::known_again;
use super::unconverted;
use crate::domain::Words;

/// The texts. Tests hold each against the source that says it, and each source that a page asks against these.
pub(super) const REFUSED: &[&str] = &[
    "a decision needs a reason",
    "without a specimen number no LIMS can file it; labwire reassign gives it the right one",
    "observation {id} is not held",
    "there is no open problem {id}",
    "message {id} has no open problem",
    "there is no message {id}",
    "message {id} is incomplete; ask the analyzer to send it again",
    "message {id} hasn't been read yet",
    "message {id} is the LIMS's own about orders; have it sent again from there",
    "there is no delivery {id}",
    "delivery {id} is {state}; there is nothing to decide",
    "nothing of delivery {id} is of unknown fate",
    "delivery {id} tells a result as preliminary that isn't held any more; give it up",
    "there is no observation {id}",
    "observation {id} is no patient's",
    "observation {id} has this number already",
    "observation {id} was moved before; move the one that took its place",
    "observation {id} has a newer version; move that one",
    "observation {id} was rejected; it stays here for good",
    "it takes a name and a reason to move a result to another specimen",
    "the right specimen number is none; write it as the LIMS knows it",
    "the right specimen number holds what no label can; type it instead of scanning it",
    "name the results that are another specimen's, at most 500 at once",
    "it takes a name and a reason to have a result read anew",
    "name the results that are to be read anew, at most {most} at once",
    "observation {id} was moved to another specimen",
    "observation {id} has a newer version",
    "observation {id} has left meanwhile; look again at what would become of it",
    "its analyzer isn't configured any more",
    "nothing of it was odd when it was read: another configuration is for what comes from now on",
    "message {id} holds no such result by the present configuration",
    "by the present configuration it is no patient's: reject it",
    "the present configuration finds another specimen or value in its bytes",
    "it comes out as it is, not converted: {what}",
    "it comes out as it is",
    "the gateway is still starting, or ending; try again",
    "it takes a name and a reason to send results once more",
    "nothing is delivered until somebody has resumed; see labwire resume",
    "what would be sent has changed since it was looked at; look again",
    "none of it may be sent once more; labwire resend without --yes says why",
    "these are more than {most} results; choose a shorter time",
    "the first and the last number must be equally long, and the last not before the first",
    "there is no call {id}",
    "call {id} is closed; there is nothing to verify for it",
    "call {id} is verified already",
    "call {id} is closed already",
    "nobody has tried call {id} yet; record an attempt first, if only one that reached nobody",
    "the value that was told differs from the journal's; mend a slip, or say that it was told so",
    "the identifiers that were told don't name the patient as known here; mend a slip, or say that it was told so",
    "the call lies in the future",
    "the call lies before the value was measured",
    "the call lies more than a week back",
    "who took the call is missing: first and last name",
    "the role of who took the call is missing",
    "two different patient identifiers are needed",
    "the value as it was told is missing",
    "nobody was reached, so no value and no identifier was told",
    "a text has more than 300 characters or several lines",
    "why it won't be called is missing",
    "your own name is missing: first and last name",
    "unknown kind of identifier",
    "unknown outcome",
    "the time of the call is none",
    "observation {id} is no control result",
    "observation {id} counts no more already",
    "nothing was decided of run {id}",
    "there is no run {id}",
    "run {id} is accepted already",
    "run {id} has no result that counts",
    "somebody has accepted run {id} already",
    "this needs a name and a reason",
    "the LIMS has everything: there is nothing to keep",
    "a day is signed off by a named person",
    "something of this day is open; say why it is signed off all the same",
    "a reason has at most 500 characters",
    "a day is signed off from its beginning on and up to 31 days after its end",
    "there is no result {id}",
    "a name has at most 100 bytes",
    "a name was begun and not written; write it, or name nobody",
    "a name is one line, and holds no control characters",
    "that is what the journal calls the gateway; name the person",
    "the bytes of {kind} {id} aren't those that were stored; see labwire verify",
    "its bytes are in the archive {name}, which isn't in the folder {folder}",
    "its bytes are in the archive {name}, which doesn't hold them as they were, in the folder {folder}",
    "the disk is full",
    "the journal failed: {reason}",
    "the journal is closed",
    "the step panicked; nothing of it was written",
];

/// What stands between several things that are wrong.
const AND: &str = "; ";

/// Why, in the page's words.
pub(in crate::status) fn refused(why: &str) -> Words {
    let known = |why: &str| REFUSED.iter().find_map(|known| known_again(known, why, &unconverted));
    let several = || {
        let all: Option<Vec<Words>> = why.split(AND).map(known).collect();
        all.map(|all| Words::row(all, AND))
    };
    known(why).or_else(several).unwrap_or_else(|| why.into())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{files, literal, production};
    use super::*;

    #[test]
    fn what_was_refused_is_said_in_the_page_s_language_alone_or_with_others() {
        let loud = |english: &'static str| -> &'static str {
            match english {
                "observation {id} is not held" => "NOT HELD: {id}",
                "the call lies in the future" => "FUTURE",
                "two different patient identifiers are needed" => "TWO",
                "call {id} is closed; there is nothing to verify for it" => "CLOSED {id}",
                "it comes out as it is, not converted: {what}" => "AS IT IS: {what}",
                "the number has too many digits" => "TOO LONG",
                other => other,
            }
        };
        for (why, expected) in [
            ("observation 12 is not held", "NOT HELD: 12"),
            ("call 7 is closed; there is nothing to verify for it", "CLOSED 7"),
            ("the call lies in the future; two different patient identifiers are needed", "FUTURE; TWO"),
            ("it comes out as it is, not converted: the number has too many digits", "AS IT IS: TOO LONG"),
            ("the call lies in the future; so it is", "the call lies in the future; so it is"),
            ("", ""),
        ] {
            assert_eq!(refused(why).text(&loud), expected, "{why}");
            assert_eq!(refused(why).english(), why, "in English nothing changes");
        }
    }

    /// Who refuses what a page asks for.
    const WHO: [&str; 15] = [
        "src/domain/call/entry.rs",
        "src/host/control/call.rs",
        "src/host/control/named.rs",
        "src/host/control/reevaluate.rs",
        "src/journal/calls.rs",
        "src/journal/desk.rs",
        "src/journal/desk/deliveries.rs",
        "src/journal/downtime.rs",
        "src/journal/qc/word.rs",
        "src/journal/reassign.rs",
        "src/journal/reevaluate.rs",
        "src/journal/resend.rs",
        "src/journal/resend/choice.rs",
        "src/journal/signature.rs",
        "src/pipeline/runner/anew.rs",
    ];
    /// What they say beside: what the audit and a call's record are told.
    const BESIDE: [&str; 15] = [
        "reached without read-back",
        "unable to reach",
        "failed to write a call as JSON: {error}",
        "failed to write a signature as JSON: {error}",
        "failed to read a signature: {error}",
        "day signed off",
        "all {closed} problems of message {id}",
        "was {}, counts as {}",
        "run {run} was {}, now {}",
        "observation {id} is it under the right number",
        "its specimen number was misread",
        "by {by}, observation {id} takes its place: {reason}",
        "as it was",
        "in part, anew",
        "a result was re-evaluated",
    ];

    /// A text without the names of its places.
    fn shape(text: &str) -> String {
        let mut parts = text.split('{');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |shape, part| shape + "{}" + part.split_once('}').map_or("", |(_, after)| after))
    }

    /// What some code says to people: more than two words, and no statement of SQL.
    fn said(code: &str) -> Vec<String> {
        let is_said = |it: &String| {
            let words = it.split_whitespace().filter(|word| !word.contains('{'));
            words.count() > 2 && it.chars().next().is_some_and(|first| first.is_lowercase() || first == '{')
        };
        // What is said in the page's language from the start is no matter of this.
        let code = code.replace("words!(", "words!<");
        let mut texts = Vec::new();
        for marker in ["(", "=> ", "why = ", "str = ", "|| ", "![", "{\n"] {
            texts.extend(code.split(marker).skip(1).filter_map(literal).map(|(text, _)| text));
        }
        texts.into_iter().filter(is_said).collect()
    }

    #[test]
    fn each_refusal_that_a_page_can_show_is_in_the_catalogue() {
        let known: Vec<String> = REFUSED.iter().chain(&BESIDE).map(|it| shape(it)).collect();
        let missing = |code: &str| -> Vec<String> {
            said(code).into_iter().filter(|it| !known.contains(&shape(it))).collect()
        };
        let sources = files("src", "rs");
        let code = |who: &str| production(&sources.iter().find(|(path, _)| path.ends_with(who)).unwrap().1);
        let missing_of_all: Vec<String> = WHO.iter().flat_map(|who| missing(code(who))).collect();
        assert_eq!(missing_of_all, Vec::<String>::new());
        // What it must notice.
        let code = "return refused(format!(\"observation {number} is too heavy\"));\n\"SELECT 1 FROM hold\"";
        assert_eq!(missing(code), ["observation {number} is too heavy"]);
    }
}
