//! The repositories a person could connect: what GitHub shows to their own token, page by page, over
//! all installations they reach.
//!
//! A cursor says where in GitHub's own pages to go on, so that a page here costs about one request
//! there, however many repositories there are.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Engine;
use super::failure::Failure;
use crate::github::{GithubError, InstallationId};
pub use crate::github::{Permission, UserInstallation, UserRepository};
use crate::model::{Code, Problem, UserId};
use crate::store::authorizations::Authorization;

/// Requests to GitHub for one page here; what is not found by then comes with the next page.
const MAX_REQUESTS: usize = 10;

/// One repository and whether it can be connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub installation_id: i64,
    pub repository: UserRepository,
    /// Why it cannot be connected; none: it can.
    pub reason: Option<Code>,
}

#[derive(Debug)]
pub struct Page {
    pub items: Vec<Listed>,
    pub next_cursor: Option<String>,
    pub installations: Vec<UserInstallation>,
    pub install_url: String,
}

/// Where to go on: an installation, a page of GitHub's (from 1), and how many of it were shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position(i64, u32, usize);

impl Engine {
    /// Errors: `authorization_required`, `token_expired`, a cursor that is none (`validation_failed`).
    pub async fn repositories(
        &self,
        pid: i64,
        user: &UserId,
        limit: usize,
        cursor: Option<&str>,
        return_to: Option<&str>,
    ) -> Result<Page, Failure> {
        self.check_return_to(return_to)?;
        let from = cursor.map(read_cursor).transpose()?;
        let (installations, items, next) =
            self.as_user(pid, user.as_str(), async |person| self.list(person, limit, from).await).await?;
        let install_url = self.install_url(pid, user, return_to).await?;
        Ok(Page { items, next_cursor: next.map(write_cursor), installations, install_url })
    }

    async fn list(
        &self,
        person: &Authorization,
        limit: usize,
        from: Option<Position>,
    ) -> Result<(Vec<UserInstallation>, Vec<Listed>, Option<Position>), Failure> {
        let token = &person.tokens.access;
        let mut installations = self.github.installations(token).await?;
        installations.sort_by_key(|one| one.id);
        let mut items = Vec::new();
        let mut requests = 0;
        let mut at = from.unwrap_or(Position(i64::MIN, 1, 0));
        for installation in installations.iter().filter(|one| !one.suspended) {
            if installation.id < at.0 {
                continue;
            }
            if installation.id > at.0 {
                at = Position(installation.id, 1, 0);
            }
            loop {
                if items.len() >= limit || requests >= MAX_REQUESTS {
                    return Ok((installations, items, Some(at)));
                }
                requests += 1;
                let (found, next) = match self.github.installation_repositories(token, InstallationId(at.0), at.1).await
                {
                    Ok(page) => (page.items, page.next),
                    // Uninstalled or suspended since it was listed.
                    Err(GithubError::NotFound | GithubError::Refused { .. }) => (Vec::new(), None),
                    Err(error) => return Err(error.into()),
                };
                let size = found.len();
                let shown = found.into_iter().skip(at.2).take(limit - items.len());
                let before = items.len();
                items.extend(shown.map(|repository| listed(installation, repository)));
                let until = at.2 + (items.len() - before);
                if until < size {
                    at = Position(at.0, at.1, until);
                } else if let Some(next) = next {
                    at = Position(at.0, next, 0);
                } else {
                    at = Position(at.0.saturating_add(1), 1, 0);
                    break;
                }
            }
        }
        Ok((installations, items, None))
    }
}

fn listed(installation: &UserInstallation, repository: UserRepository) -> Listed {
    let reason = if repository.permission < Permission::Write {
        Some(Code::RepositoryNotAccessible)
    } else if repository.repository.archived {
        Some(Code::RepositoryArchived)
    } else {
        None
    };
    Listed { installation_id: installation.id, repository, reason }
}

fn write_cursor(at: Position) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}.{}.{}", at.0, at.1, at.2))
}

fn read_cursor(text: &str) -> Result<Position, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let position = bytes.as_deref().and_then(|text| {
        let mut parts = text.split('.');
        let position = Position(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        (position.1 >= 1 && parts.next().is_none()).then_some(position)
    });
    position.ok_or_else(|| Problem::field("cursor", "is not one that was given out here"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn cursors_come_back_as_they_went() {
        for at in [Position(7, 1, 0), Position(i64::MAX, 12, 99)] {
            assert_eq!(read_cursor(&write_cursor(at)).unwrap(), at);
        }
        for bad in ["", "x", "Nw", "Ny4wLjA", "Ny4xLjAuMA", "..", "Ny4xLi0x"] {
            assert!(read_cursor(bad).is_err(), "{bad}");
        }
    }
}
