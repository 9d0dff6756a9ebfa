//! What a note of a link means, in one sentence. Its code is what is counted; what came on the line isn't in here.

use crate::domain::{Words, words};

/// The sentence of a note's code; nothing for one that isn't known here.
pub(super) fn sentence(code: &str) -> Option<Words> {
    damaged(code)
        .or_else(|| received(code))
        .or_else(|| put_off(code))
        .or_else(|| sent(code))
        .or_else(|| of_connections(code))
}

/// What a line did to it, or a peer that doesn't keep to the standard.
fn damaged(code: &str) -> Option<Words> {
    Some(match code {
        "bad-checksum" => words!("a frame with a wrong checksum was refused"),
        "bad-frame-number" => words!("a frame without a number from 0 to 7 was refused"),
        "bad-frame-end" => words!("a frame that didn't end as a frame must was refused"),
        "forbidden-byte" => words!("a frame whose text held a control byte was refused"),
        "oversize-frame" => words!("a frame longer than the limit was refused"),
        "noise-before-frame" => words!("a frame with stray bytes before it was refused"),
        "wrong-frame-number" => words!("a frame came out of its turn and was refused"),
        "changed-repeat" => words!("a frame came again with other content and was refused"),
        "noise" => words!("bytes outside a frame or block were ignored"),
        "broken-frame" => words!("a frame broke off"),
        "broken-off" => {
            words!("the connection was lost in the middle of a block; what had come of it was dropped")
        }
        "silence" => {
            words!("the peer fell silent in the middle of a block; what had come of it was dropped")
        }
        _ => return None,
    })
}

/// What was received all the same, or wasn't meant as a message.
fn received(code: &str) -> Option<Words> {
    Some(match code {
        "repeated-frame" => words!("a frame came again; it was acknowledged and not stored twice"),
        "restarted" => words!("the analyzer began anew in mid-transmission"),
        "keep-alive" => words!("the analyzer asked whether anybody is there"),
        "empty-transfer" => words!("a transmission ended without a frame"),
        "missing-eot" => words!("a new transmission began without the end of the one before"),
        "missing-cr-lf" => words!("a frame without CR LF at its end was accepted"),
        "missing-checksum" => words!("a frame was accepted without a checksum"),
        "lower-case-checksum" => words!("a checksum in lower case was accepted"),
        "missing-record-end" => words!("the last record of a frame lacked its CR"),
        "raw-records" => words!("records came without frames; none of them is acknowledged"),
        "missing-vt" => words!("a block began without its VT and was accepted"),
        "missing-cr" => words!("a block ended without its CR and was accepted"),
        "fs-in-data" => words!("a block held an FS that wasn't its end"),
        "no-header" => words!("a block without a message header was stored; nobody can answer it"),
        "stray-line-end" => words!("line ends between blocks were ignored"),
        "empty-block" => words!("a block without content was ignored"),
        _ => return None,
    })
}

/// What wasn't taken, and must come again.
fn put_off(code: &str) -> Option<Words> {
    Some(match code {
        "not-stored" => words!("a frame or block could not be stored and was not accepted"),
        "busy" => words!("a transmission was put off: nothing more can be stored at present"),
        "restart-refused" => words!("a request to transmit in mid-transmission was refused"),
        "oversize-transfer" => {
            words!("a transmission larger than the limit was cut and its last frame refused")
        }
        "oversize-block" => {
            words!("a block larger than the limit was dropped and the connection closed")
        }
        "overrun" => words!("more came than can wait for an answer; what was too much was dropped"),
        "unstored" => {
            words!("the connection was lost before complete blocks were stored; none of them was answered")
        }
        "raw-refused" => {
            words!("records without frames were refused by closing: nothing more can be stored")
        }
        "raw-not-stored" => {
            words!("a record without a frame could not be stored; the connection was closed")
        }
        "answered-too-late" => {
            words!("the analyzer stopped waiting before it was answered; the answer wasn't sent")
        }
        "answered-before" => {
            words!(
                "the analyzer asked again as an answer was on its way, and went on with that; it wasn't sent twice"
            )
        }
        _ => return None,
    })
}

/// What became of messages of ours.
fn sent(code: &str) -> Option<Words> {
    Some(match code {
        "contention" => words!("both sides asked to transmit at once; the analyzer goes first"),
        "peer-busy" => words!("the analyzer is busy and was asked again later"),
        "no-answer" => words!("the analyzer didn't answer in time"),
        "no-final-answer" => {
            words!("the peer stored a message and didn't say in time what became of it")
        }
        "garbled-answer" => words!("an answer that can't be understood came and was discarded"),
        "mismatched-answer" => words!("an answer to another message came and was discarded"),
        "repeated-answer" => words!("an answer came again and was discarded"),
        "stray-answer" => words!("an answer came that nothing had been sent for"),
        "stray-commit" => {
            words!("a commit block came that nothing was waiting for, and was discarded")
        }
        "not-committed" => words!("the peer said that it didn't store a message of ours"),
        "frame-refused" => words!("the analyzer refused a frame of ours"),
        "interrupted" => words!("the analyzer asked us to stop"),
        "unsendable" => words!("a message of ours can't be framed and wasn't sent"),
        "not-connected" => words!("a message of ours wasn't sent: the analyzer isn't connected"),
        "reused-control-id" => {
            words!("a message of ours wasn't sent: another one had its control ID on this connection")
        }
        _ => return None,
    })
}

/// What came before anything was said.
fn of_connections(code: &str) -> Option<Words> {
    Some(match code {
        "refused-address" => words!("a connection from an address that isn't allowed was refused"),
        "refused-connection" => words!("a connection beyond those that may be open was refused"),
        "tls-handshake" => words!("a connection was refused: its TLS handshake failed"),
        "line-setting" => words!("the port took another line setting than the one asked for"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes that a source gives: what a protocol's notes are counted by, or what is noted as it stands.
    fn codes(source: &str) -> Vec<&str> {
        let of_notes = source.split_once("pub fn code(").and_then(|(_, rest)| rest.split("\n    }").next());
        let of_notes = of_notes.into_iter().flat_map(|body| body.split("=> \"").skip(1));
        of_notes.filter_map(|it| it.split('"').next()).collect()
    }

    #[test]
    fn each_code_that_a_link_notes_has_its_sentence() {
        let read = |file| std::fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let mut seen = 0;
        for file in ["protocols/astm/src/transfer/note.rs", "protocols/hl7/src/transfer/note.rs"] {
            let source = read(file);
            let codes = codes(&source);
            let without: Vec<&&str> = codes.iter().filter(|code| sentence(code).is_none()).collect();
            assert_eq!(without, Vec::<&&str>::new(), "{file}");
            seen += codes.len();
        }
        assert!(seen > 55, "{seen} codes were found");
        let listeners = ["src/intake/listener.rs", "src/intake/port.rs"].map(read).concat();
        for code in ["refused-address", "refused-connection", "tls-handshake", "line-setting"] {
            assert!(listeners.contains(&format!("\"{code}\"")), "nobody notes {code}");
            assert!(sentence(code).is_some(), "{code}");
        }
        assert_eq!(sentence("full-moon"), None);
    }
}
