//! `labsim drop`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use labsim::acknowledged::AcknowledgedFile;
use labsim::drops::{Dropper, Manner};
use labsim::duration;
use labsim::generate::{Generator, Style};
use tokio::time::sleep;

use super::{Failure, say};

/// How often it is looked whether files were taken.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
#[command(after_help = "Example: labsim drop --folder /srv/analyzer --files 20 --manner marker --again")]
pub(crate) struct Arguments {
    /// Where files are left
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
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
    let mut dropper = Dropper::new(&arguments.folder, generator, arguments.manner, arguments.messages);
    let mut written = Vec::with_capacity(arguments.files);
    for number in 0..arguments.files {
        if number > 0 {
            sleep(arguments.every).await;
        }
        written.push(dropper.write().await?);
    }
    let gone = taken(&dropper, &written, arguments.patience).await;
    if let Some(path) = &arguments.acknowledged {
        let mut file = AcknowledgedFile::open(path)?;
        for written in written.iter().filter(|written| !dropper.is_there(written)) {
            file.record_results(&written.results)?;
        }
    }
    if arguments.again && gone == written.len() {
        for file in &written {
            dropper.write_again(file, &file.name).await?;
        }
        let again = taken(&dropper, &written, arguments.patience).await;
        say(format_args!("{again} of {} files taken the second time", written.len()))?;
    }
    let results: usize = written.iter().map(|file| file.results.len()).sum();
    say(format_args!("{gone} of {} files taken, {results} results in all of them", written.len()))?;
    if gone < written.len() {
        return Err(Failure::otherwise("some files were left where they were"));
    }
    Ok(())
}

/// Waits until all are taken or patience ends; tells how many were.
async fn taken(dropper: &Dropper, written: &[labsim::drops::Written], patience: Duration) -> usize {
    let all = async {
        while written.iter().any(|file| dropper.is_there(file)) {
            sleep(LOOK).await;
        }
    };
    // Whether it ended in time shows in the count.
    let _ = tokio::time::timeout(patience, all).await;
    written.iter().filter(|file| !dropper.is_there(file)).count()
}
