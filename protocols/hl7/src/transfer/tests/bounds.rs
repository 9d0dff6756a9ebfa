//! Whatever arrives, however it is split: no panic, the same actions, and memory within the bounds.

use std::time::Instant;

use labwire_link::{Action, Input, Link, Parcel, Receipt, Reply};
use proptest::prelude::*;

use crate::transfer::{MllpLink, Settings};

/// An instant to start at; only differences of it are ever used.
#[expect(clippy::disallowed_methods, reason = "the only way to make an Instant; its value is never used")]
fn start() -> Instant {
    Instant::now()
}

fn drain(link: &mut MllpLink, actions: &mut Vec<Action>) -> Vec<Parcel> {
    let mut parcels = Vec::new();
    while let Some(action) = link.poll() {
        if let Action::Store(parcel) = &action {
            parcels.push(parcel.clone());
        }
        actions.push(action);
    }
    parcels
}

/// Everything the link does when it gets the chunks one by one and each parcel is stored once they are all there.
fn actions(chunks: &[&[u8]], settings: &Settings) -> Vec<Action> {
    let now = start();
    let mut link = MllpLink::new(settings.clone());
    let mut actions = Vec::new();
    link.handle(now, Input::Connected);
    let mut storing = Vec::new();
    for chunk in chunks {
        link.handle(now, Input::Bytes(chunk));
        storing.extend(drain(&mut link, &mut actions));
        assert!(link.buffered() <= settings.max_block + settings.max_waiting + 16);
    }
    while let Some(parcel) = storing.pop() {
        #[expect(clippy::disallowed_methods, reason = "the test is the journal")]
        let receipt = Receipt::sign(parcel.id);
        link.handle(now, Input::Stored(receipt, Reply::Texts(vec![b"ack".to_vec()])));
        storing.extend(drain(&mut link, &mut actions));
    }
    link.handle(now, Input::Disconnected);
    drain(&mut link, &mut actions);
    actions
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\x0BMSH|^~\\&|||||||ORU|1\rPID|1\r\x1C\r".to_vec()),
        Just(b"\x0BMSH|^~\\&|1\rMSA|AA|1\x1C\r".to_vec()),
        Just(b"MSH|^~\\&|1\r".to_vec()),
        Just(b"\x0B\x06\x1C\r".to_vec()),
        prop::sample::select(b"\x0B\x1C\r\nMSH|BF^~\\&A\x06\x15".to_vec()).prop_map(|byte| vec![byte]),
        prop::collection::vec(any::<u8>(), 0..5),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_actions(
        bytes in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        max_block in prop::sample::select(vec![0, 1, 20, 1_000_000]),
    ) {
        let settings = Settings { max_block, max_waiting: 200, ..Settings::default() };
        let mut chunks = Vec::new();
        let mut rest = &bytes[..];
        let mut taken = 0;
        for cut in cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect::<std::collections::BTreeSet<_>>() {
            let (chunk, after) = rest.split_at(cut - taken);
            chunks.push(chunk);
            (rest, taken) = (after, cut);
        }
        chunks.push(rest);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        let whole = actions(&[&bytes], &settings);
        prop_assert!(whole == actions(&chunks, &settings));
        prop_assert!(whole == actions(&single, &settings));
    }

    #[test]
    fn what_is_stored_is_what_came_and_its_messages_fill_it(bytes in stream()) {
        let settings = Settings::default();
        let mut from = 0;
        for action in actions(&[&bytes], &settings) {
            let Action::Store(parcel) = action else { continue };
            let at = bytes[from..].windows(parcel.raw.len()).position(|window| window == parcel.raw);
            prop_assert!(at.is_some(), "a parcel is bytes that came, in order");
            from += at.unwrap_or_default() + parcel.raw.len();
            prop_assert!(parcel.raw.ends_with(b"\x1C") || parcel.raw.ends_with(b"\x1C\r"));
            prop_assert!(parcel.message_ends.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert_eq!(parcel.message_ends.last(), Some(&parcel.content().len()));
        }
    }
}

#[test]
fn more_than_can_wait_closes_the_connection() {
    let settings = Settings { max_waiting: 150, ..Settings::default() };
    let bytes = b"\x0BMSH|^~\\&|||||||ORU|1\x1C\r".repeat(10);
    let done = actions(&[&bytes], &settings);
    assert!(done.iter().any(|action| matches!(action, Action::Close(_))));
    let stored = done.iter().filter(|action| matches!(action, Action::Store(_))).count();
    assert_eq!(stored, 3, "the first, and the two that could wait");
}

#[test]
fn a_hundred_thousand_messages_pass_in_one_connection() {
    let now = start();
    let mut link = MllpLink::new(Settings::default());
    let mut actions = Vec::new();
    link.handle(now, Input::Connected);
    for _ in 0..100_000 {
        link.handle(now, Input::Bytes(b"\x0BMSH|^~\\&|||||||ORU|1\x1C\r"));
        for parcel in drain(&mut link, &mut actions) {
            #[expect(clippy::disallowed_methods, reason = "the test is the journal")]
            let receipt = Receipt::sign(parcel.id);
            link.handle(now, Input::Stored(receipt, Reply::Silent));
        }
        actions.clear();
        assert_eq!(link.buffered(), 0);
    }
}
