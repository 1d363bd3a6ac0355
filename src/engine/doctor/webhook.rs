//! The App's webhook: where GitHub sends it, and how that went lately, as GitHub reports it.

use super::{Engine, Verdict};
use crate::github::HookDelivery;

impl Engine {
    pub(super) async fn examine_webhook(&self) -> Verdict {
        let hook = match self.github.hook_config().await {
            Ok(hook) => hook,
            Err(error) => return Verdict::fail(error.to_string(), "switch the App's webhook on in its settings"),
        };
        let here = format!("{}/webhooks/github", self.settings.public_url);
        if hook.url.trim_end_matches('/') != here {
            let there = if hook.url.is_empty() { "nowhere".to_owned() } else { hook.url };
            let mend = format!("set it to {here} in the App's settings, or correct LOCKSTEP_PUBLIC_URL");
            return Verdict::fail(format!("GitHub sends webhooks to {there}"), mend);
        }
        match self.github.deliveries(None, None).await {
            Ok(page) => about_deliveries(&here, &page.items),
            Err(error) => Verdict::fail(error.to_string(), "try again when GitHub answers"),
        }
    }
}

/// The newest delivery decides: what failed before it was mended since.
fn about_deliveries(url: &str, newest_first: &[HookDelivery]) -> Verdict {
    // GitHub's first word comes before its secret is known here; what was missed since is asked for again.
    let too_early = |one: &HookDelivery| one.event == "ping" && one.status_code == 503;
    let Some(last) = newest_first.iter().find(|one| !too_early(one)) else {
        return Verdict::Ok(format!("{url}, nothing was sent to it in the last 3 days"));
    };
    let failed = newest_first.iter().filter(|one| !(200..300).contains(&one.status_code)).count();
    let said = format!("the last delivery to {url} ({}) ended with {} {}", last.event, last.status_code, last.status);
    match last.status_code {
        200..=299 => Verdict::Ok(format!("{url}, {} of the last {} failed", failed, newest_first.len())),
        401 => Verdict::fail(said, "set the App's webhook secret and LOCKSTEP_GITHUB_WEBHOOK_SECRET to the same value"),
        404 | 405 => {
            Verdict::fail(said, "something else answers there: correct LOCKSTEP_PUBLIC_URL or the proxy's routes")
        }
        503 => Verdict::fail(said, "look at Redis: while it takes nothing, webhooks are refused"),
        300..=399 => Verdict::fail(said, "let the proxy not redirect: GitHub does not follow"),
        0 | 502 | 504 => Verdict::fail(said, "let GitHub reach it: DNS, firewall, certificate, proxy"),
        _ => Verdict::fail(said, "look into Lockstep's and the proxy's logs at that time"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(status_code: i64) -> HookDelivery {
        HookDelivery {
            id: 1,
            guid: "g".to_owned(),
            delivered_at: chrono::DateTime::UNIX_EPOCH,
            redelivery: false,
            status: String::new(),
            status_code,
            event: "push".to_owned(),
            action: None,
            installation_id: None,
            repository_id: None,
        }
    }

    #[test]
    fn the_newest_delivery_decides() {
        let told = |codes: &[i64]| {
            let all: Vec<_> = codes.iter().map(|code| delivery(*code)).collect();
            match about_deliveries("http://h/webhooks/github", &all) {
                Verdict::Ok(_) => "ok".to_owned(),
                Verdict::Fail { mend, .. } => mend,
            }
        };
        assert_eq!(told(&[]), "ok");
        assert_eq!(told(&[202, 401]), "ok");
        for (code, expected) in
            [(401, "secret"), (0, "reach"), (502, "reach"), (404, "PUBLIC_URL"), (503, "Redis"), (500, "log")]
        {
            assert!(told(&[code, 202]).contains(expected), "{code}");
        }
    }
}
