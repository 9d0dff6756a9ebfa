//! Tells somebody who isn't looking at the page: once when a trouble has begun, once when it is over, and regularly that labwire
//! lives. It decides nothing, and what it sends names no patient and no specimen.

mod notices;
mod post;

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::config::settings::{AlertSettings, Heartbeat, Least, Webhook};
use crate::status::Page;
use notices::Notices;
use post::Post;

/// How often is looked at what is wrong.
const LOOK: Duration = Duration::from_secs(5);

/// Who tells.
pub struct Alerts {
    pub page: Page,
    pub site: String,
    pub settings: AlertSettings,
    /// The file that remembers over a restart what was told.
    pub told: PathBuf,
}

impl Alerts {
    /// Runs until the gateway stops.
    pub async fn run(self, stop: CancellationToken) {
        let Alerts { page, site, settings, told } = self;
        let alerts = async {
            if let Some(webhook) = &settings.webhook {
                tell(&page, &site, webhook, told).await;
            }
        };
        let beats = async {
            if let Some(heartbeat) = &settings.heartbeat {
                beat(&page, heartbeat).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            ((), ()) = async { tokio::join!(alerts, beats) } => {}
        }
    }
}

async fn tell(page: &Page, site: &str, webhook: &Webhook, told: PathBuf) {
    let Some(mut post) = Post::new(&webhook.web, "the alerts") else { return };
    let mut notices = Notices::remembered(tokio::fs::read(&told).await.ok().as_deref());
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(mut alarms) = page.alarms() else { continue };
        alarms.retain(|alarm| webhook.least == Least::Act || alarm.severity == Least::Danger);
        for notice in notices.due(&alarms, clock::now(), webhook.after) {
            if !post.json(&webhook.url, &notice.id, &notice.body(site)).await {
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
    let beside = file.with_extension("alerts-new");
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
