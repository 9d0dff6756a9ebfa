//! `labsim drop`.

use std::path::PathBuf;
use std::time::Duration;

use crate::acknowledged::AcknowledgedFile;
use crate::drops::{Dropper, Manner, Place, Server, Written};
use crate::duration;
use crate::generate::{Generator, Style};
use clap::Args;
use tokio::time::sleep;

use super::{Failure, say};

/// How often it is looked whether files were taken.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  labsim drop --folder /srv/analyzer --files 20 --manner marker --again
  labsim drop --ftp 127.0.0.1:2121 --user analyzer --password-file secret --manner cut:5s")]
pub(crate) struct Arguments {
    /// Where files are left; with --ftp the folder on the server, by default where the login leads
    #[arg(long, value_name = "DIR", required_unless_present = "ftp")]
    folder: Option<PathBuf>,
    /// Uploads them to this server instead
    #[arg(long, value_name = "HOST:PORT")]
    ftp: Option<String>,
    /// Who logs in there
    #[arg(long, default_value = "anonymous", requires = "ftp")]
    user: String,
    /// A file with the password alone in it
    #[arg(long, value_name = "FILE", requires = "ftp")]
    password_file: Option<PathBuf>,
    /// The model whose messages are imitated
    #[arg(long, default_value = "cobas-pro")]
    style: Style,
    #[arg(long, default_value_t = 1, help = "Makes the same files again")]
    seed: u64,
    /// How many files
    #[arg(long, default_value_t = 10)]
    files: usize,
    /// Messages a file
    #[arg(long, default_value_t = 10)]
    messages: usize,
    #[arg(long, default_value = "rename", help = format!("How a file is written: one of {}", Manner::GRAMMAR))]
    manner: Manner,
    /// From one file to the next
    #[arg(long, default_value = "1s", value_parser = duration::parse)]
    every: Duration,
    /// Writes all of them once more when they were taken: a whole day again
    #[arg(long)]
    again: bool,
    /// How long the last file may stay
    #[arg(long, default_value = "60s", value_parser = duration::parse)]
    patience: Duration,
    /// Appends each result whose file was taken, as a line of JSON
    #[arg(long, value_name = "FILE")]
    acknowledged: Option<PathBuf>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let generator = Generator::new(arguments.style, arguments.seed);
    let mut dropper = Dropper::new(place(&arguments)?, generator, arguments.manner, arguments.messages);
    let mut written = Vec::with_capacity(arguments.files);
    for number in 0..arguments.files {
        if number > 0 {
            sleep(arguments.every).await;
        }
        written.push(dropper.write().await?);
    }
    let gone = taken(&dropper, &written, arguments.patience).await?;
    if let Some(path) = &arguments.acknowledged {
        let mut file = AcknowledgedFile::open(path)?;
        for written in dropper.taken(&written).await? {
            file.record_results(&written.results)?;
        }
    }
    if arguments.again && gone == written.len() {
        for file in &written {
            dropper.write_again(file, &file.name).await?;
        }
        let again = taken(&dropper, &written, arguments.patience).await?;
        say(format_args!("{again} of {} files taken the second time", written.len()))?;
    }
    let results: usize = written.iter().map(|file| file.results.len()).sum();
    say(format_args!("{gone} of {} files taken, {results} results in all of them", written.len()))?;
    if gone < written.len() {
        return Err(Failure::otherwise("some files were left where they were"));
    }
    Ok(())
}

fn place(arguments: &Arguments) -> Result<Place, Failure> {
    let folder = arguments.folder.clone().unwrap_or_default();
    let Some(address) = arguments.ftp.clone() else { return Ok(Place::Folder(folder)) };
    let password = match &arguments.password_file {
        Some(file) => std::fs::read_to_string(file)?.trim_end_matches(['\r', '\n']).to_owned(),
        None => String::new(),
    };
    let folder = folder.to_string_lossy().into_owned();
    Ok(Place::Ftp(Server { address, user: arguments.user.clone(), password, folder }))
}

/// Waits until all are taken or patience ends; tells how many were.
async fn taken(dropper: &Dropper, written: &[Written], patience: Duration) -> Result<usize, Failure> {
    let all = async {
        while dropper.left(written).await? > 0 {
            sleep(LOOK).await;
        }
        std::io::Result::Ok(())
    };
    // Whether it ended in time shows in the count.
    if let Ok(looked) = tokio::time::timeout(patience, all).await {
        looked?;
    }
    Ok(written.len() - dropper.left(written).await?)
}
