//! Where files lie: what every kind of place can do, and how it fails. Nothing is removed here without a receipt of the
//! journal, and no call lasts longer than the place's patience.

mod folder;
mod ftp;
mod listing;
mod names;
#[cfg(feature = "sftp")]
mod sftp;

use std::time::Duration;

use super::decide::{Listed, Listing};
use super::spool::Spool;
use crate::config::settings::{DropSettings, PlaceSettings, Proof};
use crate::host::tls::TlsError;
use crate::journal::files::FileReceipt;

use folder::Folder;
use ftp::{Ftp, Session};

/// The most names that are looked at in one place.
const MOST: usize = 100_000;
/// How much of a file is held in memory at once, in bytes.
const PIECE: usize = 256 * 1024;

/// What went wrong, in words that say what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The place itself: nothing more is tried there for now.
    Place(String),
    /// One file; the others aren't concerned. It is tried again at the next look.
    File(String),
    /// One file that will be free by itself.
    Busy(String),
    /// What is in one file: there is no use in reading it again before it looks different.
    Content(String),
}

impl Trouble {
    pub(super) fn text(&self) -> &str {
        match self {
            Trouble::Place(text) | Trouble::File(text) | Trouble::Busy(text) | Trouble::Content(text) => text,
        }
    }
}

/// What is needed to go to a place again and again.
pub(super) enum Place {
    Folder(Folder),
    Ftp(Box<Ftp>),
    #[cfg(feature = "sftp")]
    Sftp(Box<sftp::Sftp>),
}

/// One visit.
pub(super) enum Visit<'a> {
    Folder(&'a Folder),
    Ftp(Box<Session<'a>>),
    #[cfg(feature = "sftp")]
    Sftp(Box<sftp::Session<'a>>),
}

impl Place {
    pub(super) fn new(settings: &DropSettings) -> Result<Place, TlsError> {
        Ok(match &settings.place {
            PlaceSettings::Folder(path) => {
                Place::Folder(Folder::new(path.clone(), settings.patience, settings.proof == Proof::Lock))
            }
            PlaceSettings::Ftp(ftp) => Place::Ftp(Box::new(Ftp::new(ftp.clone(), settings.patience)?)),
            #[cfg(feature = "sftp")]
            PlaceSettings::Sftp(sftp) => {
                Place::Sftp(Box::new(sftp::Sftp::new(sftp.clone(), settings.patience)))
            }
        })
    }

    pub(super) async fn visit(&self) -> Result<Visit<'_>, Trouble> {
        match self {
            Place::Folder(folder) => Ok(Visit::Folder(folder)),
            Place::Ftp(ftp) => Ok(Visit::Ftp(Box::new(ftp.login().await?))),
            #[cfg(feature = "sftp")]
            Place::Sftp(sftp) => Ok(Visit::Sftp(Box::new(sftp.login().await?))),
        }
    }
}

impl Visit<'_> {
    /// The files there whose names are wanted, in no order, and what else has such a name.
    pub(super) async fn list(&mut self, wanted: impl Fn(&str) -> bool) -> Result<Listing, Trouble> {
        let mut listing = match self {
            Visit::Folder(folder) => folder.list().await?,
            Visit::Ftp(session) => session.list(&wanted).await?,
            #[cfg(feature = "sftp")]
            Visit::Sftp(session) => session.list().await?,
        };
        listing.files.retain(|file| wanted(&file.name));
        listing.others.retain(|other| wanted(&other.name));
        Ok(listing)
    }

    /// One file as it is listed now; `None` when it is no longer there.
    pub(super) async fn look(&mut self, name: &str) -> Result<Option<Listed>, Trouble> {
        match self {
            Visit::Folder(folder) => folder.look(name).await,
            Visit::Ftp(session) => session.look(name).await,
            #[cfg(feature = "sftp")]
            Visit::Sftp(session) => session.look(name).await,
        }
    }

    /// Reads a file to its end into the spool.
    pub(super) async fn fetch(&mut self, name: &str, spool: &mut Spool) -> Result<(), Trouble> {
        match self {
            Visit::Folder(folder) => folder.fetch(name, spool).await,
            Visit::Ftp(session) => session.fetch(name, spool).await,
            #[cfg(feature = "sftp")]
            Visit::Sftp(session) => session.fetch(name, spool).await,
        }
    }

    /// Deletes a file that the journal has signed for.
    pub(super) async fn delete(&mut self, name: &str, _receipt: &FileReceipt) -> Result<(), Trouble> {
        self.discard(name).await
    }

    /// Moves a file that the journal has signed for into another folder, under its own name or, where there is such a
    /// file, with its number in the journal added. Tells the name.
    pub(super) async fn archive(
        &mut self,
        name: &str,
        folder: &str,
        receipt: &FileReceipt,
    ) -> Result<String, Trouble> {
        let other = format!("{name}.{}", receipt.file());
        for to in [name, &other] {
            let done = match self {
                Visit::Folder(place) => place.rename(name, folder, to).await?,
                Visit::Ftp(session) => session.rename(name, &format!("{folder}/{to}")).await?,
                #[cfg(feature = "sftp")]
                Visit::Sftp(session) => session.rename(name, folder, to).await?,
            };
            if done == Renamed::Yes {
                return Ok(to.to_owned());
            }
        }
        Err(Trouble::File(format!("a file of this name lies in {folder} already; take it away there")))
    }

    /// Deletes a marker, which has no content.
    pub(super) async fn discard(&mut self, name: &str) -> Result<(), Trouble> {
        match self {
            Visit::Folder(folder) => folder.delete(name).await,
            Visit::Ftp(session) => session.delete(name).await,
            #[cfg(feature = "sftp")]
            Visit::Sftp(session) => session.delete(name).await,
        }
    }

    /// Says goodbye, where that is the custom.
    pub(super) async fn leave(self) {
        match self {
            Visit::Folder(_) => {}
            Visit::Ftp(session) => session.quit().await,
            #[cfg(feature = "sftp")]
            Visit::Sftp(session) => session.quit().await,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Renamed {
    Yes,
    /// There is such a file already.
    Taken,
}

/// Gives a call up after `patience`.
async fn within<T>(
    patience: Duration,
    what: &str,
    call: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    match tokio::time::timeout(patience, call).await {
        Ok(done) => done,
        Err(_) => Err(Trouble::Place(format!("{what} for {} s; see whether it hangs", patience.as_secs()))),
    }
}
