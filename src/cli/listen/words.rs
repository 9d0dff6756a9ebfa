//! What was found, in sentences. Of what an analyzer said they hold its own name alone.

use labwire_hearing::{Choice, Content, Framing, Setting, Verdict};

use super::{Found, Serial};
use crate::host::serial::{Machine, Usb};

pub(super) fn told(found: &Found) -> Vec<String> {
    let Found { serial, content } = found;
    let mut told = Vec::new();
    told.extend(serial.iter().flat_map(setting));
    if content.characters > 0 {
        told.push(evidence(content));
        told.push(speaks(content).to_owned());
        told.extend(content.sender().map(|name| format!("It calls itself {name:?}.")));
        told.extend(unanswered(content));
    }
    told
}

/// How the line is set.
fn setting(serial: &Serial) -> Vec<String> {
    let Serial { verdict, count, has_settings, .. } = serial;
    let right = count.characters - count.marred;
    let mut told = match verdict {
        Verdict::Silent => Vec::new(),
        Verdict::Noise => vec![
            "What was heard is noise at every setting: perhaps a cable without ground, a port with other levels than RS-232's, \
             or a speed that no analyzer usually has. Look at the cable, and at the analyzer's own settings."
                .to_owned(),
        ],
        Verdict::Inverted { baud } => vec![format!(
            "The line's levels are upside down, at {baud} baud: it has logic levels, perhaps, where the port has RS-232's; put the \
             right converter between them."
        )],
        Verdict::Sure(Choice { setting, .. }) => {
            vec![format!("The line runs at {setting}: {right} of {} characters are right.", count.characters)]
        }
        Verdict::Unsure(Choice { setting, percent, .. }) if count.characters > 0 => vec![format!(
            "Not sure: the line may run at {setting} ({percent} of 100): {right} of {} characters are right. Listen longer.",
            count.characters
        )],
        Verdict::Unsure(Choice { setting, percent, .. }) => vec![format!(
            "Not sure: the line may run at {setting} ({percent} of 100); nothing was heard with that yet. Listen longer."
        )],
    };
    if let Verdict::Sure(choice) | Verdict::Unsure(choice) = verdict {
        if !choice.alike.is_empty() {
            let alike: Vec<String> = choice.alike.iter().map(Setting::to_string).collect();
            told.push(format!(
                "The same would have been heard with {}. If messages come garbled, try that.",
                alike.join("; or with ")
            ));
        }
        if choice.setting.stop_bits == 1 {
            told.push("Whether it sends a second stop bit can't be heard, and doesn't matter.".to_owned());
        }
        if !has_settings {
            told.push(
                "This is a pseudo-terminal, which has no line settings: believe nothing of the above but for a trial.".to_owned(),
            );
        }
    }
    told
}

fn evidence(content: &Content) -> String {
    let Content { characters, printable, enqs, eots, frames, blocks, bare_records, bare_segments, .. } =
        content;
    let mut found =
        vec![format!("{printable} of {characters} characters are text or control characters of a protocol")];
    let counted = [
        (*enqs, "ENQ"),
        (*eots, "EOT"),
        (frames.right, "frames with the right checksum"),
        (frames.without, "frames without a checksum"),
        (frames.wrong, "frames with a wrong checksum"),
        (*blocks, "MLLP blocks"),
        (*bare_records, "ASTM records without framing"),
        (*bare_segments, "HL7 segments without framing"),
    ];
    found.extend(
        counted.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")),
    );
    format!("Heard: {}.", found.join(", "))
}

fn speaks(content: &Content) -> &'static str {
    match content.framing() {
        Framing::Frames => "It speaks ASTM, in frames with checksums (LIS01).",
        Framing::FramesWithoutChecksum => {
            "It speaks ASTM, in frames without checksums: the instrument's file needs missing_checksum = true under [link.tolerate]."
        }
        Framing::BareRecords => {
            "It speaks ASTM, records without any framing: nothing of it is ever acknowledged."
        }
        Framing::Blocks => "It speaks HL7, in MLLP blocks.",
        Framing::BareSegments => {
            "It speaks HL7, but without MLLP's block characters: labwire can't take that."
        }
        Framing::Asking => {
            "It asks whether it may send (ENQ), as ASTM does, and got no answer: it keeps its results and asks again. What it \
             is and sends shows once labwire is its host."
        }
        Framing::Text => {
            "It sends lines of text of no protocol that labwire speaks: a printer's, perhaps. Look for a host port in its settings."
        }
        Framing::Unknown => "What it speaks isn't known by what was heard.",
    }
}

/// Whoever waits for no answer believes that this command was the LIMS.
fn unanswered(content: &Content) -> Option<String> {
    let waits = matches!(
        content.framing(),
        Framing::Asking
            | Framing::Frames
            | Framing::FramesWithoutChecksum
            | Framing::Blocks
            | Framing::Unknown
    );
    (!waits).then(|| {
        "It waits for no answer, so it takes what it sent for received, and nobody has kept it: let it send that again once \
         labwire runs."
            .to_owned()
    })
}

/// Why nothing may have been heard.
pub(super) fn silent(found: &Found, machine: &Machine) -> Vec<String> {
    let Some(Serial { verdict: Verdict::Silent, modem, .. }) = &found.serial else {
        return match found.serial {
            Some(_) => Vec::new(),
            None => vec!["Nothing came. Let the analyzer send a result, and look at its settings: address, port, and who connects."
                .to_owned()],
        };
    };
    let mut told = vec!["Nothing was heard.".to_owned()];
    told.push(match modem {
        Some(modem) if modem.is_there || modem.is_clear || modem.has_carrier => {
            "The other end says that it is there (DSR, CTS or carrier): its data wire may be on the other pin; try a null-modem \
             cable, or one without the crossing."
                .to_owned()
        }
        Some(_) => {
            "The other end doesn't say that it is there (no DSR, no CTS, no carrier): it may be off, the cable may be in the wrong \
             socket or crossed wrongly; a cable with three wires says nothing either way."
                .to_owned()
        }
        None => "The port doesn't say whether anything is at its other end.".to_owned(),
    });
    told.push(
        "Silence proves no wrong cable: an analyzer may only speak once it has a result, or once it is asked. Let it send one. One \
         that heeds RTS/CTS holds back if its CTS isn't connected."
            .to_owned(),
    );
    told.extend(machine.ports().grabbed.iter().map(|Usb { id, product, .. }| {
        format!(
            "The adapter {id} {product} has no device, since a program drives it, mostly brltty: is the analyzer on that one? \
             Remove brltty, or install 90-labwire.rules, and plug the adapter in again."
        )
    }));
    told
}
