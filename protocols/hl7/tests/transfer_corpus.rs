//! Every public message at hand passes through a link whole, and gets an answer that names it. Passes, and says so, where
//! the messages are absent.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use labwire_hl7::message::Message;
use labwire_hl7::transfer::{
    Acknowledging, Answer, Code, ControlId, MllpLink, Mode, Settings, Stamp, Verdict, acknowledge,
};
use labwire_link::{Action, Input, Link, Parcel, Receipt, Reply};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|name| name != "md") {
            files.push(path);
        }
    }
    files
}

/// The parcel that a block becomes, and what is transmitted once it is stored with this reply. `None` for a block that is
/// an acknowledgement: there is nothing to store.
fn pass(content: &[u8], reply: Reply) -> Option<(Parcel, Vec<Vec<u8>>)> {
    #[expect(clippy::disallowed_methods, reason = "the only way to make an Instant; its value is never used")]
    let now = Instant::now();
    let mut link = MllpLink::new(Settings::default());
    link.handle(now, Input::Connected);
    for chunk in [b"\x0B", content, b"\x1C\r"].concat().chunks(7) {
        link.handle(now, Input::Bytes(chunk));
    }
    let (mut stored, mut answers, mut reply) = (None, Vec::new(), Some(reply));
    while let Some(action) = link.poll() {
        match action {
            Action::Store(parcel) => {
                #[expect(clippy::disallowed_methods, reason = "the test is the journal")]
                let receipt = Receipt::sign(parcel.id);
                link.handle(now, Input::Stored(receipt, reply.take().unwrap()));
                stored = Some(parcel);
            }
            Action::Transmit(bytes) => answers.push(bytes),
            _ => {}
        }
    }
    Some((stored?, answers))
}

#[test]
fn every_message_is_stored_whole_and_answered_by_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/hl7");
    if !folder.exists() {
        println!("no messages at {}: nothing to pass", folder.display());
        return;
    }
    let (mut passed, mut answered) = (0, 0);
    for path in files(&folder) {
        let content = std::fs::read(&path).unwrap();
        let mut next = || ControlId::new("A1").unwrap();
        let mut stamp = Stamp { sent: "20260102", next_control_id: &mut next };
        let settings = Acknowledging { mode: Mode::Original, ..Acknowledging::default() };
        let reply = acknowledge(&content, |_| Verdict::Accepted, &settings, &mut stamp);
        let texts = if let Reply::Texts(texts) = &reply { texts.len() } else { 0 };
        let Some((parcel, answers)) = pass(&content, reply) else {
            assert!(content.windows(4).any(|window| window == b"MSA|"), "{}", path.display());
            continue;
        };
        assert_eq!(parcel.content(), content, "{}", path.display());
        assert_eq!(answers.len(), texts);
        passed += 1;
        let mut from = 0;
        for end in &parcel.message_ends {
            let one = &content[from..*end];
            from = *end;
            let Ok(message) = Message::parse(one) else { continue };
            assert_eq!(message.named(b"MSH").count(), 1, "{}", path.display());
        }
        if let (Ok(message), [answer]) = (Message::parse(&content), &answers[..])
            && message.segments().next().unwrap().is(b"MSH")
        {
            let answer = Answer::parse(&answer[1..answer.len() - 2]).unwrap();
            let id = message.header().unwrap().control_id().unescape().into_owned();
            assert_eq!((answer.code, answer.control_id), (Code::Accept, id), "{}", path.display());
            answered += 1;
        }
    }
    println!("passed {passed} files, {answered} answers");
    assert!(passed > 0 && answered > 0, "the folder of messages exists but nothing was read");
}
