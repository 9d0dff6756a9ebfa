//! What a check says of labwire's own certificates: that each can be used with its key, and is valid now and for some time yet.
//! A key that only the service sees is tried by a reload.

use jiff::Timestamp;

use super::{about, file_of};
use crate::config::settings::{
    DropSettings, FtpTls, Instrument, Kind, OrderWay, PlaceSettings, TlsClientSettings, TlsServerSettings,
    Transport, Web,
};
use crate::config::{Finding, Settings};
use crate::host::certificate::validity;
use crate::host::tls::{Acceptor, Connector, FileServer};
use crate::host::web::{Afterwards, client};

/// An authority needs this long now and then: a certificate that ends within so many days is told.
const SOON_DAYS: i64 = 30;
const A_DAY_SECS: i64 = 24 * 60 * 60;

/// TLS as the configuration has it at one place.
struct Secured {
    file: String,
    /// What the configuration calls it.
    title: String,
    /// Our own certificate, where there is one.
    pem: Option<Vec<u8>>,
    /// Why it can't be set up.
    fault: Option<String>,
}

/// The first that TLS can't be set up with: a certificate that can't be read, or a key that isn't its own.
pub(super) fn unusable(settings: &Settings) -> Option<Finding> {
    secured(settings).into_iter().find_map(|Secured { file, title, fault, .. }| {
        fault.map(|fault| about(&file, format!("{title}: {fault}")))
    })
}

/// Those that aren't valid, or won't be soon.
pub(super) fn findings(settings: &Settings, now: Timestamp) -> Vec<Finding> {
    let said = |Secured { file, title, pem, .. }: Secured| {
        let text = judged(&pem?, now)?;
        Some(about(&file, format!("{title}: {text}")))
    };
    secured(settings).into_iter().filter_map(said).collect()
}

fn judged(pem: &[u8], now: Timestamp) -> Option<String> {
    let valid = validity(pem)?;
    let day = |it: Timestamp| it.strftime("%Y-%m-%d").to_string();
    let left = (valid.until.as_second() - now.as_second()).div_euclid(A_DAY_SECS);
    if now < valid.from {
        let from = day(valid.from);
        return Some(format!(
            "our certificate isn't valid before {from}; see to this machine's clock, or to it"
        ));
    }
    if valid.until < now {
        let until = day(valid.until);
        return Some(format!(
            "our certificate ended on {until}; the other end refuses it: put a new one there"
        ));
    }
    (left < SOON_DAYS).then(|| {
        let until = day(valid.until);
        format!("our certificate ends on {until}, {left} days from now; put a new one there before that")
    })
}

fn secured(settings: &Settings) -> Vec<Secured> {
    let site = "labwire.toml";
    let mut all: Vec<Secured> = settings.instruments.iter().filter_map(|it| of_instrument(it)).collect();
    all.extend(settings.page.tls.as_ref().map(|tls| server(site, "[page.tls]".to_owned(), tls)));
    for source in &settings.orders {
        let title = format!("[orders.{}]", source.name);
        match &source.way {
            OrderWay::Mllp { server: listener, .. } | OrderWay::Push { server: listener, .. } => {
                all.extend(listener.tls.as_ref().map(|tls| server(site, title.clone(), tls)));
            }
            OrderWay::Poll(poll) => all.push(web(title.clone(), &poll.web)),
            OrderWay::Folder(_) => {}
        }
        all.extend(source.ask.as_ref().map(|ask| web(title, &ask.web)));
    }
    for destination in &settings.destinations {
        let title = format!("[destination.{}]", destination.id);
        match &destination.kind {
            Kind::Http(http) => all.push(web(title, &http.web)),
            Kind::Fhir(fhir) => all.push(web(title, &fhir.web)),
            Kind::Mllp(mllp) => all.extend(mllp.tls.as_ref().map(|tls| to(site, title, tls))),
            Kind::Folder(_) => {}
        }
    }
    let alerts = &settings.alerts;
    let others = [
        ("[history]", settings.history.as_ref().map(|it| &it.web)),
        ("[alerts.webhook]", alerts.webhook.as_ref().map(|it| &it.web)),
        ("[alerts.heartbeat]", alerts.heartbeat.as_ref().map(|it| &it.web)),
        ("[otlp]", settings.otlp.as_ref().map(|it| &it.web)),
    ];
    let others = others.into_iter().filter_map(|(title, it)| Some(web(title.to_owned(), it?)));
    all.extend(others);
    all
}

fn of_instrument(instrument: &Instrument) -> Option<Secured> {
    let file = file_of(instrument);
    match &instrument.transport {
        Transport::TcpServer(listener) => {
            listener.tls.as_ref().map(|tls| server(&file, "[tcp_server.tls]".to_owned(), tls))
        }
        Transport::TcpClient(client) => {
            client.tls.as_ref().map(|tls| to(&file, "[tcp_client.tls]".to_owned(), tls))
        }
        Transport::Drop(DropSettings { place: PlaceSettings::Ftp(ftp), .. }) => match &ftp.tls {
            FtpTls::None => None,
            FtpTls::Explicit(trust) | FtpTls::Implicit(trust) => {
                let fault = FileServer::new(trust, &ftp.host).err().map(|error| error.to_string());
                Some(Secured { file, title: "[ftp]".to_owned(), pem: None, fault })
            }
        },
        Transport::Serial(_) | Transport::Drop(_) => None,
    }
}

fn server(file: &str, title: String, tls: &TlsServerSettings) -> Secured {
    let seen = !tls.key_pem.reveal().is_empty();
    let fault = seen.then(|| Acceptor::new(tls).err()).flatten().map(|error| error.to_string());
    Secured { file: file.to_owned(), title, pem: Some(tls.certificate_pem.clone()), fault }
}

fn to(file: &str, title: String, tls: &TlsClientSettings) -> Secured {
    let fault = Connector::new(tls).err().map(|error| error.to_string());
    let pem = tls.identity.as_ref().map(|(certificate, _)| certificate.clone());
    Secured { file: file.to_owned(), title, pem, fault }
}

fn web(title: String, web: &Web) -> Secured {
    let identity = web.identity_pem.as_ref().map(|it| it.reveal());
    let seen = identity.is_none_or(|pem| has_key(pem));
    // What reqwest says of a certificate names no address.
    let fault = seen.then(|| client(web, Afterwards::Closed).err()).flatten();
    let fault = fault.map(|error| {
        use std::error::Error;
        let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        format!("failed to use its certificates or the key: {cause}")
    });
    Secured { file: "labwire.toml".to_owned(), title, pem: identity.cloned(), fault }
}

/// Whether the key beside a certificate is here.
pub(super) fn has_key(pem: &[u8]) -> bool {
    const KIND: &[u8] = b"PRIVATE KEY-----";
    pem.windows(KIND.len()).any(|window| window == KIND)
}
