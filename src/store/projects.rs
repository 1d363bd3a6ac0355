//! Projects.

use deadpool_postgres::GenericClient;
use serde_json::Value;

use crate::model::{ProjectId, Settings};

use super::StoreError;

/// Settings as rows hold them; what an older version did not know has its default.
pub fn settings_of(stored: Value) -> Result<Settings, StoreError> {
    let mut all = serde_json::to_value(Settings::default()).map_err(internal)?;
    if let (Value::Object(all), Value::Object(stored)) = (&mut all, stored) {
        all.extend(stored);
    }
    serde_json::from_value(all).map_err(internal)
}

/// Makes the project, unless it is there.
pub async fn create(client: &impl GenericClient, project: &ProjectId) -> Result<(), StoreError> {
    let settings = serde_json::to_value(Settings::default()).map_err(internal)?;
    let insert = "INSERT INTO projects (id, settings) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let insert = client.prepare_cached(insert).await?;
    client.execute(&insert, &[&project.as_str(), &settings]).await?;
    Ok(())
}

fn internal(why: serde_json::Error) -> StoreError {
    StoreError::Internal(format!("settings: {why}"))
}
