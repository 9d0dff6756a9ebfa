//! Tells somebody who isn't looking at the page: once when a trouble has begun, once when it is over, and regularly that labwire
//! lives. It decides nothing, and what it sends names no patient and no specimen.

mod mail;
mod notices;
mod post;

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::config::settings::{AlertSettings, Heartbeat, Least, Told};
use crate::status::Page;
pub use mail::mail_server_admits;

use mail::Mail;
use notices::{Notice, Notices};
use post::Post;

/// How often is looked at what is wrong.
const LOOK: Duration = Duration::from_secs(5);

/// Who tells.
pub struct Alerts {
    pub page: Page,
    pub site: String,
    pub settings: AlertSettings,
    /// Beside this file stands what was told, over a restart: each way has a file of its own.
    pub told: PathBuf,
}

impl Alerts {
    /// Runs until the gateway stops.
    pub async fn run(self, stop: CancellationToken) {
        let Alerts { page, site, settings, told } = self;
        let alerts = async {
            if let Some(webhook) = &settings.webhook
                && let Some(post) = Post::new(&webhook.web, "the alerts")
            {
                let way = Way::Web(post, webhook.url.clone());
                tell(&page, &site, (way, webhook.what), told.with_extension("alerts")).await;
            }
        };
        let mails = async {
            if let Some(email) = &settings.email
                && let Some(mail) = Mail::new(email)
            {
                tell(
                    &page,
                    &site,
                    (Way::Mail(Box::new(mail)), email.what),
                    told.with_extension("alerts-mailed"),
                )
                .await;
            }
        };
        let beats = async {
            if let Some(heartbeat) = &settings.heartbeat {
                beat(&page, heartbeat).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            ((), (), ()) = async { tokio::join!(alerts, mails, beats) } => {}
        }
    }
}

/// How somebody is told.
enum Way {
    /// With the address.
    Web(Post, String),
    Mail(Box<Mail>),
}

impl Way {
    async fn take(&mut self, notice: &Notice, site: &str) -> bool {
        match self {
            Way::Web(post, url) => post.json(url, &notice.id, &notice.body(site)).await,
            Way::Mail(mail) => mail.tell(notice, site).await,
        }
    }
}

async fn tell(page: &Page, site: &str, (mut way, what): (Way, Told), told: PathBuf) {
    let mut notices = Notices::remembered(tokio::fs::read(&told).await.ok().as_deref());
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(mut alarms) = page.alarms() else { continue };
        alarms.retain(|alarm| what.least == Least::Act || alarm.severity == Least::Danger);
        for notice in notices.due(&alarms, clock::now(), what.after) {
            if !way.take(&notice, site).await {
                // The next look sends it again, with what has happened by then.
                break;
            }
            tracing::info!(alert = notice.alert, about = notice.about, state = notice.state(), "told");
            notices.sent(&notice);
            remember(&told, &notices).await;
        }
    }
}

/// Written beside and renamed, so that a power cut leaves the old one or the new one.
async fn remember(file: &PathBuf, notices: &Notices) {
    let mut beside = file.clone().into_os_string();
    beside.push("-new");
    let written = async {
        tokio::fs::write(&beside, notices.memory()).await?;
        tokio::fs::rename(&beside, file).await
    };
    if let Err(error) = written.await {
        tracing::warn!(%error, "failed to remember what was told; after a restart it is told again");
    }
}

async fn beat(page: &Page, heartbeat: &Heartbeat) {
    let Some(mut post) = Post::new(&heartbeat.web, "the heartbeat") else { return };
    let mut ticks = interval(heartbeat.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if page.is_at_work() {
            post.ask(&heartbeat.url).await;
        }
    }
}
