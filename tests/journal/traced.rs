//! Whatever is shown of a message can be traced to its own bytes: its frames, all of them, and nobody else's.

use labwire::domain::SpecimenId;
use labwire::journal::MessageId;
use labwire::journal::views::Way;

use super::kit::{Lab, own, parcel, result};

fn frames(lab: &Lab, message: MessageId) -> Vec<String> {
    let frames = lab.reader.frames(message).unwrap();
    frames.iter().map(|frame| String::from_utf8(frame.raw.reveal().clone()).unwrap()).collect()
}

/// How many frames the way of the message's one specimen tells of.
fn told(lab: &Lab, message: MessageId) -> Vec<u32> {
    lab.record_of(message, vec![own(result(&format!("S{message}"), "K", "4.1"))], Vec::new()).unwrap();
    let way = lab.reader.way(&SpecimenId::new(format!("S{message}"))).unwrap();
    way.into_iter()
        .filter_map(|step| match step.what {
            Way::Received { frames, .. } => Some(frames),
            _ => None,
        })
        .collect()
}

#[test]
fn frames_of_another_connection_in_between_are_not_counted() {
    let lab = Lab::new();
    let (one, _) = lab.first(parcel("H|1\r", &[]));
    let (other, _) = lab.first(parcel("H|2\r", &[]));
    lab.next(other, parcel("P|2\r", &[]));
    let message = lab.next(one, parcel("L|1\r", &[4]))[0];
    assert_eq!(frames(&lab, message), ["\u{2}H|1\r\u{3}", "\u{2}L|1\r\u{3}"]);
    assert_eq!(told(&lab, message), [2]);
}

#[test]
fn a_frame_that_ends_with_one_message_is_not_shown_with_the_next() {
    let lab = Lab::new();
    let (transfer, _) = lab.first(parcel("H|1\r", &[]));
    lab.next(transfer, parcel("L|1\r", &[4]));
    lab.next(transfer, parcel("H|2\r", &[]));
    let second = lab.next(transfer, parcel("L|2\r", &[4]))[0];
    assert_eq!(frames(&lab, second), ["\u{2}H|2\r\u{3}", "\u{2}L|2\r\u{3}"]);
    assert_eq!(told(&lab, second), [2]);
}

#[test]
fn a_frame_that_two_messages_share_is_shown_with_both() {
    let lab = Lab::new();
    let (transfer, first) = lab.first(parcel("H|1\rL|1\rH|2\r", &[8]));
    let second = lab.next(transfer, parcel("L|2\r", &[4]))[0];
    let (shared, last) = ("\u{2}H|1\rL|1\rH|2\r\u{3}", "\u{2}L|2\r\u{3}");
    assert_eq!(frames(&lab, first[0]), [shared]);
    assert_eq!(frames(&lab, second), [shared, last]);
    assert_eq!((told(&lab, first[0]), told(&lab, second)), (vec![1], vec![2]));
}
