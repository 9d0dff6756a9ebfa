//! Who sent this? By address, then by the sender's own name (as configured, else as its model calls itself), then by
//! there being no other. Attribution is no authentication.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::sender::contradiction;
use super::{Sender, sender};
use crate::config::settings::Instrument;

/// The answer.
#[derive(Debug, Clone)]
pub(super) enum Who {
    Known(Arc<Instrument>),
    /// No configured instrument fits, and why each of the source's doesn't.
    Nobody(Vec<String>),
    /// Several do; their names.
    Several(Vec<String>),
}

/// Finds the sender of a message among the instruments of a source. `peer` is the other end as stored with the
/// transfer. A name that contradicts is never overruled.
pub(super) fn who_sent(candidates: &[Arc<Instrument>], peer: &str, message: &[u8]) -> Who {
    let address: Option<IpAddr> = peer.parse::<SocketAddr>().ok().map(|peer| peer.ip());
    let mut fitting: Vec<(&Arc<Instrument>, Sender)> = candidates
        .iter()
        .filter(|instrument| address.is_none_or(|address| instrument.transport.allows(address)))
        .map(|it| (it, sender(message, it.sender.as_deref(), &it.profile, it.character_set)))
        .filter(|(_, sender)| *sender != Sender::Contradicts)
        .collect();
    if fitting.iter().any(|(_, sender)| *sender == Sender::Agrees) {
        fitting.retain(|(_, sender)| *sender == Sender::Agrees);
    }
    match fitting.as_slice() {
        [] => Who::Nobody(candidates.iter().filter_map(|it| misfit(it, address, message)).collect()),
        [(one, _)] => Who::Known(Arc::clone(one)),
        several => Who::Several(several.iter().map(|(instrument, _)| instrument.id.to_string()).collect()),
    }
}

/// Why a message can't be an instrument's, without a word of what it says of patients.
fn misfit(instrument: &Instrument, address: Option<IpAddr>, message: &[u8]) -> Option<String> {
    let id = &instrument.id;
    if let Some(address) = address.filter(|address| !instrument.transport.allows(*address)) {
        return Some(format!("{id} allows no {address}"));
    }
    let (sender, set) = (instrument.sender.as_deref(), instrument.character_set);
    let told = contradiction(message, sender, &instrument.profile, set)?;
    Some(format!("{id} ({}) wants {told}", instrument.profile.name))
}
