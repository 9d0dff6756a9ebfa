//! `labsim orders`.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::duration;
use crate::lims::{Books, Conduct, OrderDesk, OrderLine};
use clap::Args;

use super::{Failure, say, stopped};

/// How long to wait for a gateway that isn't there.
const AGAIN: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  labsim orders --tell 127.0.0.1:2576 --tests GLU,UREA --count 20
  labsim orders --tell 127.0.0.1:2576 --tests GLU --desk 127.0.0.1:8700 --late 3s

While it runs, what stands for each tube is printed after each change.")]
pub(crate) struct Arguments {
    /// Where labwire takes orders over MLLP
    #[arg(long, value_name = "HOST:PORT")]
    tell: String,
    /// The LIMS's codes of the tests that it orders
    #[arg(long, value_name = "CODE,CODE", value_delimiter = ',', required = true)]
    tests: Vec<String>,
    /// How many tubes there are: T1, T2 and so on
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    tubes: u16,
    /// How often it changes its mind; without it, until stopped
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// From one change to the next
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration::parse)]
    every: Duration,
    /// The same seed changes its mind in the same way
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Where it can be asked: GET /orders?specimen=T1
    #[arg(long, value_name = "ADDRESS:PORT")]
    desk: Option<SocketAddr>,
    /// Whoever asks waits this long for the answer
    #[arg(long, value_name = "TIME", requires = "desk", value_parser = duration::parse)]
    late: Option<Duration>,
    /// Whoever asks gets 503
    #[arg(long, requires = "desk", conflicts_with = "late")]
    down: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let tests: Vec<&str> = arguments.tests.iter().map(String::as_str).collect();
    let books = Arc::new(Mutex::new(Books::new(arguments.seed, arguments.tubes.into(), &tests)));
    let conduct = match (arguments.late, arguments.down) {
        (_, true) => Conduct::Down,
        (Some(late), _) => Conduct::Late(late),
        (None, false) => Conduct::Answer,
    };
    let desk = match arguments.desk {
        Some(listen) => Some(OrderDesk::start(listen, Arc::clone(&books), conduct).await?),
        None => None,
    };
    if let Some(desk) = &desk {
        say(format_args!("asked at http://{}/orders?specimen={{specimen}}", desk.address()))?;
    }
    tokio::select! {
        told = tell(&arguments, &books) => told?,
        () = stopped() => return Ok(()),
    }
    if desk.is_some() {
        stopped().await;
    }
    Ok(())
}

async fn tell(arguments: &Arguments, books: &Mutex<Books>) -> Result<(), Failure> {
    let mut left = arguments.count;
    let mut line = None;
    while left != Some(0) {
        left = left.map(|left| left - 1);
        let message = books.lock().unwrap_or_else(PoisonError::into_inner).change();
        // What got no answer is said again, on a new connection.
        let answer = loop {
            let mut open = match line.take() {
                Some(open) => open,
                None => match OrderLine::connect(&arguments.tell).await {
                    Ok(open) => open,
                    Err(_) => {
                        tokio::time::sleep(AGAIN).await;
                        continue;
                    }
                },
            };
            match open.tell(&message).await {
                Ok(answer) => {
                    line = Some(open);
                    break answer;
                }
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        };
        shown(&message, &answer, &books.lock().unwrap_or_else(PoisonError::into_inner))?;
        if left != Some(0) {
            tokio::time::sleep(arguments.every).await;
        }
    }
    Ok(())
}

fn shown(message: &str, answer: &str, books: &Books) -> Result<(), Failure> {
    let line =
        |names: &[&str]| message.split('\r').find(|line| names.iter().any(|name| line.starts_with(name)));
    let word = line(&["ORC|", "MRG|"]).or_else(|| line(&["PID|"]));
    let code = answer.split('/').find(|line| line.starts_with("MSA|"));
    say(format_args!("{}: {}", word.unwrap_or_default(), code.unwrap_or("no MSA came")))?;
    for tube in books.tubes() {
        let tests: Vec<String> = books.standing(&tube).into_iter().collect();
        say(format_args!("  {tube} of {}: {}", books.patient(&tube).unwrap_or_default(), tests.join(" ")))?;
    }
    Ok(())
}
