//! What differs between the kinds of destination: how a payload is rendered, and how an attempt is made.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::verdict::Judgement;
use super::{bundle, csv, fhir, folder, hl7, http, mllp, payload};
use crate::config::Settings;
use crate::config::settings::{Awaited, Destination, Folder, Format, Kind};
use crate::domain::DestinationId;
use crate::journal::ledger::{Lease, Render};
use crate::shutdown::Tasks;

/// What an attempt came to.
pub struct Attempted {
    pub judgement: Judgement,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// The answer's bytes, up to a bound.
    pub body: Option<Vec<u8>>,
    /// Over what it went: addresses and whether under TLS, or a file. `None` where nothing left.
    pub connection: Option<String>,
}

/// The way to one destination.
pub enum Client {
    Http(http::Client),
    Fhir(fhir::Client),
    Mllp(mllp::Client),
    Folder(folder::Client),
}

/// Why a client can't be made.
#[derive(Debug, thiserror::Error)]
#[error("failed to prepare the connection to {destination}: {why}")]
pub struct ClientError {
    destination: String,
    why: String,
}

impl Client {
    /// Fails where the destination's certificates can't be read. It doesn't connect.
    pub fn new(destination: &Destination, tasks: &Tasks) -> Result<Client, ClientError> {
        let failed = |why: String| ClientError { destination: destination.id.to_string(), why };
        Ok(match &destination.kind {
            Kind::Http(http) => {
                Client::Http(http::Client::new(http).map_err(|error| failed(error.to_string()))?)
            }
            Kind::Fhir(fhir) => {
                Client::Fhir(fhir::Client::new(fhir).map_err(|error| failed(error.to_string()))?)
            }
            Kind::Mllp(mllp) => {
                Client::Mllp(mllp::Client::new(mllp, tasks).map_err(|error| failed(error.to_string()))?)
            }
            Kind::Folder(folder) => Client::Folder(folder::Client::new(folder)),
        })
    }

    /// Makes the attempt and judges it. Never fails: what goes wrong is a verdict too.
    pub async fn attempt(&self, lease: &Lease) -> Attempted {
        match self {
            Client::Http(http) => http.attempt(lease).await,
            Client::Fhir(fhir) => fhir.attempt(lease).await,
            Client::Mllp(mllp) => mllp.attempt(lease).await,
            Client::Folder(folder) => folder.attempt(lease).await,
        }
    }
}

/// How payloads for each destination are made.
pub fn renders(settings: &Settings) -> BTreeMap<DestinationId, Render> {
    let profiles = profiles(settings);
    let render = |it: &Arc<Destination>| (it.id.clone(), render(it, &settings.site, &profiles));
    settings.destinations.iter().map(render).collect()
}

/// The profiles of the configured instruments.
pub fn profiles(settings: &Settings) -> Arc<bundle::Profiles> {
    let profiles = settings.instruments.iter().map(|instrument| &instrument.profile);
    Arc::new(profiles.map(|profile| (profile.identity(), Arc::clone(profile))).collect())
}

/// How payloads for a destination are made.
pub(super) fn render(destination: &Destination, site: &str, profiles: &Arc<bundle::Profiles>) -> Render {
    let (site, mode) = (site.to_owned(), destination.mode);
    match &destination.kind {
        Kind::Http(_) => Arc::new(move |consignment| payload::render(&site, mode, consignment)),
        Kind::Fhir(fhir) => {
            let (names, profiles) = (fhir.names.clone(), Arc::clone(profiles));
            Arc::new(move |consignment| bundle::render(&names, &site, &profiles, mode, consignment))
        }
        Kind::Mllp(mllp) => {
            let (hl7, awaited) = (mllp.hl7.clone(), mllp.awaited);
            Arc::new(move |consignment| hl7::render(&hl7, awaited, mode, consignment))
        }
        Kind::Folder(Folder { format: Format::Hl7(hl7), .. }) => {
            let hl7 = hl7.clone();
            Arc::new(move |consignment| hl7::render(&hl7, Awaited::Application, mode, consignment))
        }
        Kind::Folder(Folder { format: Format::Csv, .. }) => {
            Arc::new(move |consignment| csv::render(mode, consignment))
        }
    }
}
