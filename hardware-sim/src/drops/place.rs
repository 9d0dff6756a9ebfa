//! Where an analyzer leaves its files: a folder, or an FTP server that it uploads them to, each over a login of its own. It
//! writes what it is told to, looks at names only, and knows nothing of TLS, as analyzers of that age do.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use suppaftp::FtpError;
use suppaftp::tokio::AsyncFtpStream;
use suppaftp::types::FileType;
use tokio::io::AsyncWriteExt;
use tokio::time::{sleep, timeout};

/// The longest that one answer of a server may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder or a server.
#[derive(Debug, Clone)]
pub enum Place {
    Folder(PathBuf),
    Ftp(Server),
}

/// An FTP server, and who logs in there.
#[derive(Debug, Clone)]
pub struct Server {
    /// `HOST:PORT`.
    pub address: String,
    pub user: String,
    pub password: String,
    /// On the server. Empty: where the login leads.
    pub folder: String,
}

/// What is written of a file, and how fast.
pub(super) struct Upload<'a> {
    pub(super) name: &'a str,
    pub(super) pieces: &'a [Vec<u8>],
    /// Between two pieces.
    pub(super) pause: Duration,
    /// The connection is cut after so many pieces and a half.
    pub(super) cut_after: Option<usize>,
}

impl Place {
    /// Writes a file, over whatever has its name.
    pub(super) async fn write(&self, upload: Upload<'_>) -> io::Result<()> {
        match self {
            Place::Folder(folder) => {
                let path = folder.join(upload.name);
                let mut file = OpenOptions::new().create(true).write(true).truncate(true).open(path)?;
                for (number, piece) in upload.pieces.iter().enumerate() {
                    if upload.cut_after == Some(number) {
                        return file.write_all(half(piece));
                    }
                    if number > 0 {
                        sleep(upload.pause).await;
                    }
                    file.write_all(piece)?;
                }
                Ok(())
            }
            Place::Ftp(server) => server.upload(upload).await,
        }
    }

    pub(super) async fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        match self {
            Place::Folder(folder) => fs::rename(folder.join(from), folder.join(to)),
            Place::Ftp(server) => {
                let mut line = server.login().await?;
                within(line.rename(from, to)).await?;
                within(line.quit()).await
            }
        }
    }

    /// The names there.
    pub(super) async fn names(&self) -> io::Result<BTreeSet<String>> {
        match self {
            Place::Folder(folder) => {
                let name =
                    |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
                fs::read_dir(folder)?.map(name).collect()
            }
            Place::Ftp(server) => {
                let mut line = server.login().await?;
                let names = match within(line.nlst(None)).await {
                    Ok(names) => names,
                    // Some say of an empty folder that nothing is there.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
                    Err(error) => return Err(error),
                };
                within(line.quit()).await?;
                Ok(names.into_iter().collect())
            }
        }
    }
}

impl Server {
    async fn login(&self) -> io::Result<AsyncFtpStream> {
        let mut line = within(AsyncFtpStream::connect(self.address.as_str())).await?;
        within(line.login(self.user.as_str(), self.password.as_str())).await?;
        within(line.transfer_type(FileType::Image)).await?;
        if !self.folder.is_empty() {
            within(line.cwd(&self.folder)).await?;
        }
        Ok(line)
    }

    async fn upload(&self, upload: Upload<'_>) -> io::Result<()> {
        let mut line = self.login().await?;
        let mut data = within(line.put_with_stream(upload.name)).await?;
        for (number, piece) in upload.pieces.iter().enumerate() {
            if upload.cut_after == Some(number) {
                // Both connections are gone without a word.
                return data.write_all(half(piece)).await;
            }
            if number > 0 {
                data.flush().await?;
                sleep(upload.pause).await;
            }
            data.write_all(piece).await?;
        }
        within(data.finish()).await?;
        within(line.quit()).await
    }
}

fn half(piece: &[u8]) -> &[u8] {
    piece.get(..piece.len() / 2).unwrap_or_default()
}

async fn within<T>(call: impl Future<Output = Result<T, FtpError>>) -> io::Result<T> {
    match timeout(PATIENCE, call).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(FtpError::ConnectionError(error))) => Err(error),
        Ok(Err(FtpError::UnexpectedResponse(response))) if response.status.code() == 550 => {
            Err(io::Error::new(io::ErrorKind::NotFound, "the server answered 550"))
        }
        Ok(Err(error)) => Err(io::Error::other(error.to_string())),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the server doesn't answer")),
    }
}
