//! The gateway is killed, or reloaded, at random instants while analyzers send and every LIMS fails, again and again: what was
//! acknowledged is in the LIMS once, be it reached by HTTP, by MLLP, by files or by FHIR. Two broken gateways show that the oracle would notice.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use labsim::chance::Chance;
use labsim::faults::Faults;
use labsim::generate::Style;
use labsim::lims::{Lims, Mode};
use labsim::net::Place;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::analyzers::Analyzers;
use super::destinations::Destinations;
use super::oracle;
use super::support::*;

const SEED: u64 = 20;

fn rounds() -> u32 {
    std::env::var("LABWIRE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(6)
}

/// How a round ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Killed,
    Reloaded,
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kills_at_random_instants() {
    survives(End::Killed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_reloads_at_random_instants() {
    survives(End::Reloaded).await;
}

async fn survives(end: End) {
    let (lab, destinations) = Destinations::failing(SEED).await;
    let (shared, mllp, device) = (free_port(), free_port(), lab.path("line"));
    let dialled = Place::listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    lab.instrument("dxh", "beckman-dxh", "sender = \"DxH\"", &listener(shared));
    lab.instrument("centaur", "siemens-centaur-xp", "sender = \"UIW_LIS\"", &listener(shared));
    let line = format!("[serial]\ndevice = \"{}\"\nbaud = 115200\n", device.display());
    lab.instrument("vitros", "ortho-vitros-3600", "", &line);
    let dial = format!("[tcp_client]\nconnect = \"{}\"\n", dialled.address().unwrap());
    lab.instrument("architect", "abbott-architect", "", &dial);
    lab.instrument("cobas", "roche-cobas-pro", "", &listener(mllp));

    let mut analyzers = Analyzers::default();
    let places = [
        (Style::UnicelDxh, Place::connect(shared.to_string())),
        (Style::CentaurXp, Place::connect(shared.to_string())),
        (Style::Vitros3600, Place::Pty(device)),
        (Style::Architect, dialled),
        (Style::CobasPro, Place::connect(mllp.to_string())),
    ];
    for (seed, (style, place)) in (SEED..).zip(places) {
        analyzers.add(style, place, Faults::at_rate(seed, 0.03));
    }
    let mut chance = Chance::seeded(SEED);
    for round in 0..rounds() {
        if round == 1 {
            Destinations::make_folder(&lab);
        }
        let gateway = match end {
            End::Killed => lab.spawn(),
            // Whoever reloads waits until it runs.
            End::Reloaded => lab.start().await,
        };
        sleep(Duration::from_millis(chance.between(150, 700))).await;
        // Half of the kills come while an answer is on its way.
        if chance.hits(0.5) {
            destinations.next().await;
        }
        // In a third it is held up for longer than an analyzer waits: it finds what was given up, and what was asked since.
        if chance.hits(0.3) {
            gateway.stand_still();
            sleep(Duration::from_millis(chance.between(700, 2000))).await;
            gateway.go_on();
            sleep(Duration::from_millis(chance.between(150, 700))).await;
        }
        match end {
            End::Killed => gateway.kill(),
            End::Reloaded => assert!(gateway.reload().success()),
        }
    }
    Destinations::make_folder(&lab);
    let gateway = lab.start().await;
    for code in ["WBC", "10020"] {
        until(&format!("{code} is acknowledged"), || analyzers.saw(code)).await;
    }
    until("there is enough to judge by", || analyzers.count() > 100).await;
    let acknowledged = analyzers.stop().await;
    // What was on a line as it was unplugged may be taken still.
    until("every line has ended", || !lab.text(&["status"]).contains(": connected")).await;
    destinations.mend();
    until("everything is read and delivered", || {
        let on_its_way: i64 = ["pending", "in-flight", "unknown"].map(|state| lab.count(state)).iter().sum();
        on_its_way == 0 && lab.reader().waiting().unwrap().unread == 0
    })
    .await;
    until("every file is fetched", || Destinations::have_fetched(&lab)).await;

    let faults = destinations.faults(&lab, &acknowledged);
    // What the gateway knows of them, before its journal goes with the test.
    let specimens: BTreeSet<&str> = acknowledged.iter().map(|it| it.specimen.as_str()).collect();
    for specimen in specimens.into_iter().filter(|it| faults.iter().any(|fault| fault.contains(it))).take(5) {
        eprintln!("{}", lab.text(&["trace", specimen]));
    }
    assert_eq!(faults, Vec::<String>::new(), "{}", lab.text(&["status"]));
    assert_eq!(lab.reader().audit_break().unwrap(), None);
    assert!(gateway.terminate().success());
    lab.must_balance();
    let told = destinations.told();
    eprintln!(
        "{} times {end:?}, {} results acknowledged, at each LIMS once; {told}",
        rounds(),
        acknowledged.len()
    );
}

/// A host that acknowledges everything at once and keeps what it got in memory: a kill loses it.
async fn forgetful_host(listener: TcpListener) {
    loop {
        let (mut line, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = line.read(&mut buffer).await {
                let read = &buffer[..count];
                if (read.contains(&5) || read.ends_with(b"\n")) && line.write_all(&[6]).await.is_err() {
                    return;
                }
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oracle_notices_a_host_that_acknowledges_before_it_stores() {
    let lims = lims().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let host = tokio::spawn(forgetful_host(listener));
    let mut analyzers = Analyzers::default();
    analyzers.add(Style::ErbaXl, Place::connect(address.to_string()), Faults::none());
    until("something is acknowledged", || analyzers.count() > 0).await;
    host.abort();
    let acknowledged = analyzers.stop().await;
    let faults = oracle::faults(&acknowledged, &lims.ledger());
    assert!(faults.iter().any(|fault| fault.contains("0 times")), "{faults:?}");
}

/// Posts a delivery over a connection of its own and doesn't wait longer than the gateway would.
async fn post(lims: &Lims, key: &str, payload: &Value) {
    let mut connection = TcpStream::connect(lims.address()).await.unwrap();
    let body = payload.to_string();
    let head = format!(
        "POST /results HTTP/1.1\r\nHost: lims\r\nIdempotency-Key: \"{key}\"\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    connection.write_all((head + &body).as_bytes()).await.unwrap();
    let _ = tokio::time::timeout(Duration::from_secs(1), connection.read(&mut [0; 1024])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oracle_notices_a_gateway_that_takes_a_new_key_for_every_attempt() {
    let lims = lims().await;
    lims.set_mode_for(Mode::TimeoutAfterAccepting, 1);
    let payload = json!({"schema": "labwire/results/1", "specimen": {"id": "EX1"}, "results": [{
        "id": "1", "version": 1, "instrument": "sim", "specimen_as_sent": "EX1", "test": {"code": "GLCC"},
        "replicate": 1, "value": {"kind": "quantity", "number": "5.1", "as_sent": "5.1"}}]});
    post(&lims, "first", &payload).await;
    post(&lims, "second", &payload).await;
    let faults = oracle::faults(&[], &lims.ledger());
    assert!(faults.iter().any(|fault| fault.contains("taken twice")), "{faults:?}");
}
