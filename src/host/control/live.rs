//! What every link and destination is doing now, in words.

use super::{Control, Live, Response};
use crate::board::{DestinationState, LinkState};
use crate::journal::Condition;

impl Control {
    pub(super) fn live(&self) -> Response {
        let links = self.board.links().into_iter().map(|(name, link)| {
            let state = match link.state {
                LinkState::Starting => "starting".to_owned(),
                LinkState::Down(why) => format!("down: {why}"),
                LinkState::Listening => "listening, nobody connected".to_owned(),
                LinkState::Polling => "looked at for files".to_owned(),
                LinkState::Connected { peers } => {
                    let peers: Vec<String> =
                        peers.iter().map(|(peer, doing)| format!("{peer} {}", doing.what)).collect();
                    format!("connected: {}", peers.join("; "))
                }
            };
            Live {
                name: match link.instruments.join(", ") {
                    of_the_lims if of_the_lims.is_empty() => name,
                    instruments => format!("{instruments} ({name})"),
                },
                state,
                since: link.since,
                more: link.drop.map(|drop| drop.english()).unwrap_or_default(),
            }
        });
        let destinations = self.board.destinations().into_iter().map(|(name, destination)| {
            let state = match destination.state {
                DestinationState::Untried => "not tried yet".to_owned(),
                DestinationState::Up => "up".to_owned(),
                DestinationState::Failing(why) => format!("failing: {why}"),
                DestinationState::Resting { until, why } => format!("resting until {until}: {why}"),
            };
            Live { name, state, since: destination.since, more: Vec::new() }
        });
        let standstill = self.journal.standstill().borrow().clone();
        let journal = match &*self.journal.condition().borrow() {
            Condition::Good => match standstill {
                Some(why) => format!("takes what arrives; NOTHING IS DELIVERED: {why}. See labwire resume"),
                None => "takes what arrives".to_owned(),
            },
            Condition::Full => {
                "full: no new transmission is accepted until its file system has room".to_owned()
            }
            Condition::Failed(why) => format!("failed: {why}"),
        };
        let configuration =
            self.board.configuration().map(|it| format!("{} (since {})", it.words().english(), it.since));
        Response::Live {
            journal,
            configuration,
            links: links.collect(),
            destinations: destinations.collect(),
        }
    }
}
