//! A load over TCP: everything is acknowledged in the end, whatever the host does to its connections.

#![expect(clippy::unwrap_used, reason = "a test that can't go on must fail")]

mod host;

use std::time::Duration;

use host::{Honesty, Store};
use labsim::analyzer::Timing;
use labsim::faults::Faults;
use labsim::generate::{Generator, Protocol, Style};
use labsim::lims::mllp::{next_block, write_block};
use labsim::load::{Event, Load, Summary, play};
use labsim::net::Place;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn load(style: Style, transfers: u64) -> Load {
    let mut load = Load::new(Generator::new(style, 7));
    load.count = Some(transfers);
    load.every = Duration::ZERO;
    load
}

/// A host over MLLP: stores each block and answers it by its control ID; a forgetful one keeps nothing.
async fn serve_blocks(mut stream: TcpStream, store: Store, honesty: Honesty) {
    while let Ok(Some(message)) = next_block(&mut stream).await {
        let id = String::from_utf8_lossy(message.split(|byte| *byte == b'|').nth(9).unwrap()).into_owned();
        if honesty == Honesty::Honest {
            *store.lock().unwrap().entry(message).or_default() += 1;
        }
        let answer = format!("MSH|^~\\&|HOST\rMSA|AA|{id}\r");
        if write_block(&mut stream, answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Plays a load against an honest host; the summary and the messages that were reported as acknowledged.
async fn played(load: Load, store: Store) -> (Summary, Vec<Vec<u8>>) {
    played_to(load, store, Honesty::Honest).await
}

async fn played_to(load: Load, store: Store, honesty: Honesty) -> (Summary, Vec<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = Place::connect(listener.local_addr().unwrap().to_string());
    let protocol = load.generator.style().protocol();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            match protocol {
                Protocol::Astm => tokio::spawn(host::serve(stream, store.clone(), honesty)),
                Protocol::Mllp => tokio::spawn(serve_blocks(stream, store.clone(), honesty)),
            };
        }
    });
    let mut acknowledged = Vec::new();
    let mut summary = Summary::default();
    play(&place, load, &mut summary, |event| {
        if let Event::Acknowledged(message) = event {
            acknowledged.push(message.records.clone());
        }
        Ok(())
    })
    .await
    .unwrap();
    (summary, acknowledged)
}

#[tokio::test]
async fn every_message_of_every_style_is_acknowledged_and_stored_once() {
    for style in Style::ALL {
        let store = Store::default();
        let (summary, acknowledged) = played(load(style, 10), store.clone()).await;
        let stored = store.lock().unwrap();
        assert_eq!((summary.connections, summary.messages_given_up), (1, 0), "{style}");
        assert_eq!(summary.messages_acknowledged as usize, acknowledged.len());
        assert_eq!(stored.len(), acknowledged.len());
        assert!(acknowledged.iter().all(|message| stored.get(message) == Some(&1)), "{style}");
    }
}

#[tokio::test]
async fn messages_that_a_fault_kept_unacknowledged_are_sent_again() {
    let mut load = load(Style::CentaurXp, 20);
    load.options.timing = Timing::default().hurried(1000);
    load.options.timing.reply = Duration::from_secs(5);
    let mut faults = Faults::none();
    (faults.seed, faults.analyzer.cut_before_end, faults.analyzer.abandon) = (3, 0.3, 0.3);
    faults.analyzer.resend = 0.5;
    load.options.faults = faults;
    let store = Store::default();
    let (summary, acknowledged) = played(load, store.clone()).await;
    assert_eq!((summary.messages_acknowledged, acknowledged.len()), (20, 20));
    assert!(summary.connections > 1 && summary.transfers > 20, "{summary:?}");
    let stored = store.lock().unwrap();
    assert!(acknowledged.iter().all(|message| stored.contains_key(message)));
    assert!(stored.values().any(|times| *times > 1), "nothing was sent again");
}

/// Blocks that suffer from everything, the analyzer's own conduct included.
fn bad_blocks(seed: u64) -> Load {
    let mut load = load(Style::CobasPro, 60);
    load.options.timing = Timing::default().hurried(1000);
    load.options.timing.reply = Duration::from_millis(500);
    load.options.faults = Faults::at_rate(seed, 0.1);
    load.options.faults.analyzer.silence = 0.0;
    load
}

#[tokio::test]
async fn whatever_is_done_to_blocks_an_acknowledged_message_was_stored() {
    let store = Store::default();
    let (summary, acknowledged) = played(bad_blocks(5), store.clone()).await;
    assert_eq!(summary.messages_acknowledged as usize, acknowledged.len());
    assert!(summary.connections > 1 && summary.repeats > 0, "{summary:?}");
    let stored = store.lock().unwrap().clone();
    assert!(acknowledged.iter().all(|message| stored.contains_key(message)));
    assert!(stored.values().any(|times| *times > 1), "nothing came twice");
    assert_eq!(stored.len(), acknowledged.len(), "and nothing came altered");

    let forgetful = Store::default();
    let (_, acknowledged) = played_to(bad_blocks(5), forgetful.clone(), Honesty::Forgetful).await;
    assert!(!acknowledged.is_empty() && forgetful.lock().unwrap().is_empty(), "so the test can fail");
}

#[tokio::test]
async fn a_load_gives_up_after_as_many_tries_as_it_was_given() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = Place::connect(listener.local_addr().unwrap().to_string());
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let mut load = load(Style::ErbaXl, 2);
    load.tries = Some(2);
    // On a task of its own, as a demonstration runs several.
    let playing = tokio::spawn(async move {
        let mut summary = Summary::default();
        play(&place, load, &mut summary, |_| Ok(())).await.map(|()| summary)
    });
    let summary = playing.await.unwrap().unwrap();
    assert_eq!((summary.messages_acknowledged, summary.messages_given_up, summary.transfers), (0, 2, 4));
}

#[tokio::test]
async fn between_transfers_the_host_may_send() {
    let place = Place::listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = place.address().unwrap();
    let mut load = load(Style::ErbaXl, 2);
    load.every = Duration::from_secs(3600);
    let host = tokio::spawn(async move {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        // A transfer of one frame, then an order of ours.
        for end in [0x05, b'\n'] {
            while stream.read_u8().await.unwrap() != end {}
            stream.write_all(&[0x06]).await.unwrap();
        }
        assert_eq!(stream.read_u8().await.unwrap(), 0x04);
        for said in [&b"\x05"[..], b"\x021H|\\^&\r\x03E5\r\n", b"\x022L|1|N\r\x0305\r\n"] {
            stream.write_all(said).await.unwrap();
            assert_eq!(stream.read_u8().await.unwrap(), 0x06);
        }
        stream.write_all(&[0x04]).await.unwrap();
        stream
    });
    let mut received = Vec::new();
    let stopped = play(&place, load, &mut Summary::default(), |event| match event {
        Event::Received(message) => {
            received.push(message.to_vec());
            Err(std::io::Error::other("that is all"))
        }
        Event::Acknowledged(_) | Event::Transferred(_) => Ok(()),
    })
    .await;
    assert!(stopped.is_err());
    host.await.unwrap();
    assert_eq!(received, [b"H|\\^&\rL|1|N\r"]);
}
