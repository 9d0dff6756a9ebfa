//! Two analyzers that never stop sending, a LIMS that fails now and then, and a third line to speak on by hand. What is
//! done to the gateway is the tests' affair; at the end the oracle judges.

#![allow(dead_code, reason = "every test program uses its own part of this")]

use std::net::SocketAddr;
use std::time::Duration;

use labsim::faults::Faults;
use labsim::frame::{self, ACK, ENQ, FrameEnd, Part};
use labsim::generate::Style;
use labsim::lims::{Lims, Mode};
use labsim::net::Place;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::analyzers::Analyzers;
use crate::oracle;
use crate::support::{Lab, failing_lims, free_port, listener, until};

pub(crate) struct Ward {
    pub(crate) lims: Lims,
    pub(crate) lab: Lab,
    pub(crate) analyzers: Analyzers,
    /// The listener of an Erba XL that nobody plays.
    pub(crate) by_hand: SocketAddr,
}

impl Ward {
    /// The journal exists when this returns, so that the calls of a later start are those of a gateway at work.
    /// `prepare` may change the empty folder.
    pub(crate) async fn open(seed: u64, prepare: impl FnOnce(&Lab)) -> Ward {
        let lims = failing_lims(0.1, seed).await;
        let lab = Lab::new(&lims, "");
        prepare(&lab);
        let (shared, by_hand) = (free_port(), free_port());
        lab.instrument("dxh", "beckman-dxh", "sender = \"DxH\"", &listener(shared));
        lab.instrument("centaur", "siemens-centaur-xp", "sender = \"UIW_LIS\"", &listener(shared));
        lab.instrument("erba", "erba-xl", "", &listener(by_hand));
        assert!(lab.start().await.terminate().success());
        let mut analyzers = Analyzers::default();
        for (seed, style) in (seed..).zip([Style::UnicelDxh, Style::CentaurXp]) {
            analyzers.add(style, Place::connect(shared.to_string()), Faults::at_rate(seed, 0.03));
        }
        Ward { lims, lab, analyzers, by_hand }
    }

    /// Waits until this many more results are acknowledged.
    pub(crate) async fn more(&self, count: usize) {
        let enough = self.analyzers.count() + count;
        until("more is acknowledged", || self.analyzers.count() >= enough).await;
    }

    /// A start without faults, which settles everything; then the oracle speaks.
    pub(crate) async fn settle(self) {
        let gateway = self.lab.start().await;
        self.more(20).await;
        let acknowledged = self.analyzers.stop().await;
        self.lims.set_mode(Mode::Accept);
        until("everything is read and delivered", || {
            let states = ["pending", "in-flight", "unknown"];
            let on_its_way: i64 = states.map(|state| self.lab.count(state)).iter().sum();
            on_its_way == 0 && self.lab.reader().waiting().unwrap().unread == 0
        })
        .await;
        let missing = self.lims.ledger().discrepancies(&acknowledged);
        if let Some(first) = missing.first() {
            for arguments in
                [&["status"] as &[&str], &["problems"], &["held"], &["trace", &first.expected.specimen]]
            {
                eprintln!("labwire {}:\n{}", arguments.join(" "), self.lab.text(arguments));
            }
        }
        assert_eq!(oracle::faults(&acknowledged, &self.lims.ledger()), Vec::<String>::new());
        assert_eq!(self.lab.reader().audit_break().unwrap(), None);
        assert!(gateway.terminate().success());
        self.lab.must_balance();
        eprintln!("{} results acknowledged, all in the LIMS once", acknowledged.len());
    }
}

/// A transmission by hand, a record a frame.
pub(crate) struct ByHand {
    line: TcpStream,
    frames: u8,
}

impl ByHand {
    /// Asks to transmit; the answer to ENQ comes back with the line.
    pub(crate) async fn ask(address: SocketAddr) -> (ByHand, u8) {
        let mut line = TcpStream::connect(address).await.unwrap();
        line.write_all(&[ENQ]).await.unwrap();
        let answer = line.read_u8().await.unwrap();
        (ByHand { line, frames: 0 }, answer)
    }

    /// Sends one record and tells whether it was acknowledged.
    pub(crate) async fn is_taken(&mut self, record: &str) -> bool {
        self.frames = self.frames.wrapping_add(1);
        let part = Part { text: record.into(), end: FrameEnd::Etx, ends_message: false };
        if self.line.write_all(&frame::emit(self.frames, &part)).await.is_err() {
            return false;
        }
        matches!(timeout(Duration::from_secs(5), self.line.read_u8()).await, Ok(Ok(ACK)))
    }
}
