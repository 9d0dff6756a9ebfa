//! What no two parts of a configuration may own at once: a serial device, a socket, a path; and what instruments on
//! one listener need to be told apart. Reads finished drafts; only asks the file system what a symlink points to.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::complaint::Complaint;
use super::finding::{Finding, Source};
use super::instrument::Claim;
use super::nearest::nearest;
use super::settings::{FtpSettings, Kind, Network, PlaceSettings, TcpServerSettings, Transport};
use super::{destination, site};
use crate::domain::profile::Pattern;

/// One instrument's claim and the file that makes it.
pub(super) struct Claimant<'a> {
    pub(super) source: &'a Source,
    pub(super) claim: &'a Claim,
}

impl Claimant<'_> {
    fn refuse(&self, message: String) -> Finding {
        self.source.finding(&Complaint::new(self.claim.span.clone(), message))
    }
}

/// Every conflict between two instruments, noted at the later file.
pub(super) fn between_instruments(claimants: &[Claimant<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, later) in claimants.iter().enumerate() {
        let conflict = claimants.iter().take(index).find_map(|earlier| conflict(earlier, later));
        findings.extend(conflict.map(|message| later.refuse(message)));
    }
    findings
}

fn conflict(earlier: &Claimant<'_>, later: &Claimant<'_>) -> Option<String> {
    let other = &earlier.source.name;
    match (&earlier.claim.transport, &later.claim.transport) {
        (Transport::Serial(a), Transport::Serial(b)) if real(&a.device) == real(&b.device) => Some(format!(
            "{} is the device of {other} too; a serial device carries one instrument",
            b.device.display()
        )),
        (Transport::TcpClient(a), Transport::TcpClient(b)) if a.connect == b.connect => Some(format!(
            "{} is where {other} connects too; each instrument needs an address of its own",
            b.connect
        )),
        (Transport::Drop(a), Transport::Drop(b)) if same_place(&a.place, &b.place) => Some(format!(
            "{other} fetches its files from there too; each instrument needs a folder of its own"
        )),
        (Transport::TcpServer(a), Transport::TcpServer(b)) if a.listen == b.listen => {
            shared_listener(earlier, later, a, b)
        }
        (Transport::TcpServer(a), Transport::TcpServer(b)) if overlap(a.listen, b.listen) => Some(format!(
            "{} overlaps {} of {other}; write the same address in both to share a listener",
            b.listen, a.listen
        )),
        _ => None,
    }
}

fn same_place(a: &PlaceSettings, b: &PlaceSettings) -> bool {
    match (a, b) {
        (PlaceSettings::Folder(a), PlaceSettings::Folder(b)) => real(a) == real(b),
        (PlaceSettings::Ftp(a), PlaceSettings::Ftp(b)) => {
            let folder = |settings: &FtpSettings| settings.folder.trim_matches('/').to_owned();
            (&a.host, a.port, &a.user, folder(a)) == (&b.host, b.port, &b.user, folder(b))
        }
        #[cfg(feature = "sftp")]
        (PlaceSettings::Sftp(a), PlaceSettings::Sftp(b)) => {
            (&a.host, a.port, &a.user, &a.folder) == (&b.host, b.port, &b.user, &b.folder)
        }
        _ => false,
    }
}

/// Instruments on one listener are told apart by address, or else by what they call themselves.
fn shared_listener(
    earlier: &Claimant<'_>,
    later: &Claimant<'_>,
    a: &TcpServerSettings,
    b: &TcpServerSettings,
) -> Option<String> {
    let other = &earlier.source.name;
    if apart(&a.allow, &b.allow) {
        return None;
    }
    if earlier.claim.download || later.claim.download {
        return Some(format!(
            "this instrument and {other} share {}, and nobody could say which of their connections is told of work; \
             download needs an address of its own",
            b.listen
        ));
    }
    let (Some(first), Some(second)) = (&earlier.claim.sender, &later.claim.sender) else {
        return Some(format!(
            "nothing tells this instrument from {other} on {}; give both an allow list without common \
             addresses, or both a sender",
            b.listen
        ));
    };
    if first == second {
        return Some(format!(
            "this instrument and {other} share {} and the sender {second:?}; give them different senders or \
             allow lists without common addresses",
            b.listen
        ));
    }
    let same = earlier.claim.line == later.claim.line && a.limits == b.limits && a.tls == b.tls;
    (!same).then(|| {
        format!(
            "this instrument and {other} share {} and only differ by sender, which is known after the first \
             frames; give both the same [link], [tcp_server.tls] and time limits",
            b.listen
        )
    })
}

/// Whether no peer can be in both lists. An empty list means everybody.
fn apart(a: &[Network], b: &[Network]) -> bool {
    let common = |x: &Network, y: &Network| x.contains(y.address) || y.contains(x.address);
    !a.is_empty() && !b.is_empty() && !a.iter().any(|x| b.iter().any(|y| common(x, y)))
}

/// Whether two listeners can't stand side by side on one machine.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && (a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified())
}

/// What the path leads to, as far as it leads anywhere: two names of one device are one device.
fn real(path: &Path) -> PathBuf {
    if let Ok(real) = fs::canonicalize(path) {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => real(parent).join(name),
        _ => path.to_owned(),
    }
}

/// Every conflict within `labwire.toml`, and between its page and the instruments.
pub(super) fn of_site(source: &Source, site: &site::Draft, claimants: &[Claimant<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut refuse = |span: &Range<usize>, message: String| {
        findings.push(source.finding(&Complaint::new(span.clone(), message)));
    };
    let (journal, socket) = (real(&site.journal.path), real(&site.control_socket));
    if journal == socket {
        let text = format!("{} is the journal; write another control_socket", socket.display());
        refuse(&site.control_socket_span, text);
    }
    if let Some(reports) = &site.reconciliation.reports {
        let folder = real(&reports.folder);
        let same = |it: &&destination::Draft| match &it.destination.kind {
            Kind::Folder(settings) => real(&settings.folder) == folder,
            _ => false,
        };
        if let Some(destination) = site.destinations.iter().find(same) {
            let (folder, name) = (folder.display(), &destination.destination.id);
            let text = format!(
                "{folder} is the folder of [destination.{name}], where each file is taken for results; write another"
            );
            refuse(&site.reports_span, text);
        }
    }
    if let Some(trace) = &site.trace {
        let folder = real(&trace.folder);
        for (what, path) in [("journal", journal), ("control socket", socket)] {
            if path.starts_with(&folder) {
                let text = format!("{} holds the {what} too; write a folder of its own", folder.display());
                refuse(&site.trace_span, text);
            }
        }
    }
    let tells: Vec<_> = site
        .orders
        .iter()
        .filter_map(|draft| draft.listens.as_ref().map(|(listen, span)| (&draft.source.name, *listen, span)))
        .collect();
    for (index, (_, listen, span)) in tells.iter().enumerate() {
        let (earlier, listen) =
            (tells.iter().take(index).find(|(_, earlier, _)| overlap(*earlier, *listen)), *listen);
        let text = match earlier {
            Some((name, earlier, _)) => format!("{listen} overlaps {earlier} of [orders.{name}]"),
            None if overlap(listen, site.page.listen) => {
                format!("{listen} overlaps {}, the page", site.page.listen)
            }
            None => continue,
        };
        refuse(span, format!("{text}; write another port"));
    }
    for claimant in claimants {
        let Transport::TcpServer(server) = &claimant.claim.transport else { continue };
        let listen = server.listen;
        if let Some((name, orders, _)) = tells.iter().find(|(_, orders, _)| overlap(*orders, listen)) {
            findings.push(claimant.refuse(format!(
                "{listen} overlaps {orders} of [orders.{name}] in {}; write another port",
                source.name
            )));
        }
    }
    for claimant in claimants {
        if let Transport::TcpServer(server) = &claimant.claim.transport
            && overlap(server.listen, site.page.listen)
        {
            let (listen, page) = (server.listen, site.page.listen);
            findings.push(claimant.refuse(format!(
                "{listen} overlaps {page}, the page of {}; write another port",
                source.name
            )));
        }
    }
    findings
}

/// Instruments that a destination or a suspension names and that don't exist.
pub(super) fn unknown_instruments(
    source: &Source,
    site: &site::Draft,
    known: &BTreeSet<String>,
) -> Vec<Finding> {
    let known = known.iter().map(String::as_str).collect();
    let named = site.destinations.iter().flat_map(|draft| &draft.instruments);
    let named = named.chain(&site.suspended_instruments);
    unknown_names(source, named, &known)
}

/// Names of instruments that aren't described, each with its place.
pub(super) fn unknown_names<'a>(
    source: &Source,
    named: impl IntoIterator<Item = &'a Complaint>,
    known: &BTreeSet<&str>,
) -> Vec<Finding> {
    named
        .into_iter()
        .filter(|named| {
            let pattern = Pattern::new(named.message.as_str());
            named.message != "*" && !known.iter().any(|known| pattern.matches(known))
        })
        .map(|named| {
            let name = &named.message;
            let advice = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None if name.contains('*') => "no file of instruments.d has such a name".to_owned(),
                None => format!("describe it in instruments.d/{name}.toml"),
            };
            source.finding(&Complaint::new(
                named.span.clone(),
                format!("there is no instrument {name:?}; {advice}"),
            ))
        })
        .collect()
}
