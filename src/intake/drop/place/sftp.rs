//! Files on an SFTP server: a login for each visit, to the server with the configured key and to no other. Every call ends
//! in time. What the server says beyond its codes goes nowhere: it may quote names.

use std::sync::Arc;
use std::time::Duration;

use russh::Disconnect;
use russh::client::{self, Handle, Handler};
use russh::keys::{HashAlg, PrivateKeyWithHashAlg, PublicKeyOrCertificate, decode_secret_key};
use russh_sftp::client::SftpSession;
use russh_sftp::client::error::Error;
use russh_sftp::protocol::{FileAttributes, StatusCode};
use tokio::io::AsyncReadExt;

use super::{MOST, PIECE, Renamed, Trouble, within};
use crate::config::settings::{SftpLogin, SftpSettings};
use crate::intake::drop::decide::{Listed, Listing, NoFile, Other};
use crate::intake::drop::spool::Spool;

/// How long a server is waited for that has nothing more to say.
const GOODBYE: Duration = Duration::from_secs(3);

/// A server.
pub(in crate::intake::drop) struct Sftp {
    settings: SftpSettings,
    patience: Duration,
}

/// A login.
pub(in crate::intake::drop) struct Session<'a> {
    sftp: &'a Sftp,
    connection: Handle<Pinned>,
    files: SftpSession,
}

/// Believes the one key.
struct Pinned(String);

impl Handler for Pinned {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        Ok(key.public_key().fingerprint(HashAlg::Sha256).to_string() == self.0)
    }
}

impl Sftp {
    pub(super) fn new(settings: SftpSettings, patience: Duration) -> Sftp {
        Sftp { settings, patience }
    }

    pub(super) async fn login(&self) -> Result<Session<'_>, Trouble> {
        within(self.patience, "the server hasn't let anybody in", async {
            let place = (self.settings.host.as_str(), self.settings.port);
            let pinned = Pinned(self.settings.fingerprint.clone());
            let connected = client::connect(Arc::default(), place, pinned);
            let mut connection = connected.await.map_err(of_connection)?;
            self.authenticate(&mut connection).await?;
            let channel = connection.channel_open_session().await.map_err(of_connection)?;
            channel.request_subsystem(true, "sftp").await.map_err(of_connection)?;
            let files = SftpSession::new(channel.into_stream()).await.map_err(of_server)?;
            files.set_timeout(self.patience.as_secs().max(1));
            Ok(Session { sftp: self, connection, files })
        })
        .await
    }

    async fn authenticate(&self, connection: &mut Handle<Pinned>) -> Result<(), Trouble> {
        let user = self.settings.user.as_str();
        let admitted = match &self.settings.login {
            SftpLogin::Password(password) => {
                connection.authenticate_password(user, password.reveal().as_str()).await
            }
            SftpLogin::Key(pem) => {
                let key = decode_secret_key(pem.reveal(), None)
                    .map_err(|_| Trouble::Place("key_file holds no usable key".to_owned()))?;
                let hash = connection.best_supported_rsa_hash().await.map_err(of_connection)?.flatten();
                let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
                connection.authenticate_publickey(user, key).await
            }
        };
        match admitted.map_err(of_connection)?.success() {
            true => Ok(()),
            false => Err(Trouble::Place(
                "the server refused the login; see to user and password or key_file".to_owned(),
            )),
        }
    }
}

impl Session<'_> {
    fn path(&self, name: &str) -> String {
        match self.sftp.settings.folder.trim_end_matches('/') {
            "" if self.sftp.settings.folder.is_empty() => name.to_owned(),
            folder => format!("{folder}/{name}"),
        }
    }

    pub(super) async fn list(&mut self) -> Result<Listing, Trouble> {
        let folder = match self.sftp.settings.folder.as_str() {
            "" => ".",
            folder => folder,
        };
        let entries = within(self.sftp.patience, "the server hasn't listed its files", async {
            self.files.read_dir(folder).await.map_err(of_folder)
        });
        let mut listing = Listing::default();
        for entry in entries.await?.take(MOST + 1) {
            let (name, about) = (entry.file_name(), entry.metadata());
            match about.file_type() {
                kind if kind.is_dir() => {}
                kind if kind.is_file() => listing.files.push(listed(name, &about)),
                kind if kind.is_symlink() => listing.others.push(Other { name, what: NoFile::Link }),
                _ => listing.others.push(Other { name, what: NoFile::Special }),
            }
        }
        if listing.files.len() + listing.others.len() > MOST {
            return Err(Trouble::Place(format!(
                "the folder holds more than {MOST} files; move the old ones away"
            )));
        }
        Ok(listing)
    }

    pub(super) async fn look(&mut self, name: &str) -> Result<Option<Listed>, Trouble> {
        within(self.sftp.patience, "the server hasn't said what a file is", async {
            match self.files.symlink_metadata(self.path(name)).await {
                Ok(about) if about.file_type().is_file() => Ok(Some(listed(name.to_owned(), &about))),
                Ok(_) => Ok(None),
                Err(error) if is(&error, StatusCode::NoSuchFile) => Ok(None),
                Err(error) => Err(of_server(error)),
            }
        })
        .await
    }

    pub(super) async fn fetch(&mut self, name: &str, spool: &mut Spool) -> Result<(), Trouble> {
        let patience = self.sftp.patience;
        let opened = within(patience, "the server hasn't begun to send a file", async {
            self.files.open(self.path(name)).await.map_err(of_file)
        });
        let mut file = opened.await?;
        let mut piece = vec![0; PIECE];
        loop {
            let read = within(patience, "the server has stopped in the middle of a file", async {
                file.read(&mut piece)
                    .await
                    .map_err(|error| Trouble::Place(format!("a file broke off: {}", error.kind())))
            });
            let count = read.await?;
            match piece.get(..count) {
                Some(bytes) if !bytes.is_empty() => spool.write(bytes).await?,
                _ => return Ok(()),
            }
        }
    }

    pub(super) async fn delete(&mut self, name: &str) -> Result<(), Trouble> {
        within(self.sftp.patience, "the server hasn't deleted a file", async {
            self.files.remove_file(self.path(name)).await.map_err(of_removal)
        })
        .await
    }

    /// Never over another file, as far as the server tells of it. The folder is made where it isn't there.
    pub(super) async fn rename(&mut self, name: &str, into: &str, to: &str) -> Result<Renamed, Trouble> {
        let into = if into.starts_with('/') { into.to_owned() } else { self.path(into) };
        let target = format!("{into}/{to}");
        within(self.sftp.patience, "the server hasn't moved a file", async {
            if self.files.try_exists(&target).await.map_err(of_server)? {
                return Ok(Renamed::Taken);
            }
            if self.files.rename(self.path(name), &target).await.is_ok() {
                return Ok(Renamed::Yes);
            }
            // The folder may be missing.
            let _ = self.files.create_dir(&into).await;
            self.files.rename(self.path(name), &target).await.map(|()| Renamed::Yes).map_err(of_removal)
        })
        .await
    }

    pub(super) async fn quit(self) {
        let goodbye = async {
            let _ = self.files.close().await;
            let _ = self.connection.disconnect(Disconnect::ByApplication, "", "").await;
        };
        let _ = tokio::time::timeout(GOODBYE.min(self.sftp.patience), goodbye).await;
    }
}

fn listed(name: String, about: &FileAttributes) -> Listed {
    let stamp = about.mtime.map(|seconds| format!("{seconds:012}")).unwrap_or_default();
    Listed { name, size: about.len(), stamp, is_coarse: false }
}

fn is(error: &Error, code: StatusCode) -> bool {
    matches!(error, Error::Status(status) if status.status_code == code)
}

fn of_connection(error: russh::Error) -> Trouble {
    Trouble::Place(match error {
        russh::Error::UnknownKey => {
            "the server isn't the one that is trusted: it has another key. Ask why before you change fingerprint"
                .to_owned()
        }
        russh::Error::IO(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "nobody answers at the server's port; start the server, or mend host and port".to_owned()
        }
        other => format!("the connection failed: {other}"),
    })
}

fn of_server(error: Error) -> Trouble {
    Trouble::Place(match error {
        Error::Status(status) => {
            format!("the server answered {:?} where it should have agreed", status.status_code)
        }
        Error::Timeout => "the server has fallen silent; see whether it hangs".to_owned(),
        _ => "the server hung up".to_owned(),
    })
}

fn of_folder(error: Error) -> Trouble {
    match error {
        Error::Status(status) => Trouble::Place(format!(
            "the server doesn't open the folder ({:?}); make it there, or mend folder",
            status.status_code
        )),
        other => of_server(other),
    }
}

fn of_file(error: Error) -> Trouble {
    match error {
        Error::Status(status) => Trouble::File(format!(
            "the server doesn't hand it out ({:?}); give the user the right to read it there",
            status.status_code
        )),
        other => of_server(other),
    }
}

fn of_removal(error: Error) -> Trouble {
    match error {
        Error::Status(status) => Trouble::File(format!(
            "the server doesn't let it be removed ({:?}); give the user the right to, or write after = \"leave\"",
            status.status_code
        )),
        other => of_server(other),
    }
}
