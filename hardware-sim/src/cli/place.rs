//! Where the gateway is met, as it is said on a command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::net::Place;

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Where {
    /// Connect to the gateway, again and again until it answers
    #[arg(long, value_name = "HOST:PORT", help_heading = "Where")]
    connect: Option<String>,
    /// Let the gateway connect; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", help_heading = "Where")]
    listen: Option<SocketAddr>,
    /// Make a pseudo-terminal and this link to the gateway's end of it
    #[arg(long, value_name = "LINK", help_heading = "Where")]
    pty: Option<PathBuf>,
    /// Use a serial device of this machine
    #[arg(long, value_name = "DEVICE", help_heading = "Where")]
    device: Option<PathBuf>,
}

impl Where {
    /// The place; a device is opened at this baud rate.
    pub(crate) async fn place(&self, baud: u32) -> Result<Place, Failure> {
        let Where { connect, listen, pty, device } = self;
        match (connect, listen, pty, device) {
            (Some(address), ..) => Ok(Place::connect(address)),
            (_, Some(address), ..) => Ok(Place::listen(*address).await?),
            (_, _, Some(link), _) => Ok(Place::Pty(link.clone())),
            (_, _, _, Some(device)) => Ok(Place::Device(device.clone(), baud)),
            (None, None, None, None) => Err(Failure::usage("nowhere to play")),
        }
    }

    pub(crate) fn is_device(&self) -> bool {
        self.device.is_some()
    }
}
