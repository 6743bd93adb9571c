//! Programs that wait for a token: what a person sees of one before approving it.

use super::prelude::*;
#[cfg(feature = "ssr")]
use model::access::{Permission, may};
#[cfg(feature = "ssr")]
use std::sync::Arc;
use view::devices::PendingDevice;

/// Computes what is stored instead of a code.
#[cfg(feature = "ssr")]
type Hashing = dyn Fn(&str) -> Vec<u8> + Send + Sync;

/// The hash for codes; the server provides it.
#[cfg(feature = "ssr")]
#[derive(Clone)]
pub struct CodeHash(pub Arc<Hashing>);

/// The program behind a device code. Only people who may approve it learn anything.
#[server(prefix = "/_fn", endpoint = "devices/pending", input = Json)]
pub async fn find_device(code: String) -> Result<PendingDevice, AppError> {
    let viewer = editor().map_err(fail)?;
    let hash = use_context::<CodeHash>().ok_or_else(|| AppError::internal("no way to look up device codes"))?.0(&code);
    let mut conn = state()?.reader.store.conn().await?;
    let login = store::devices::find(&mut conn, &hash).await?.filter(|login| login.approved_by.is_none());
    let login = login.ok_or_else(|| AppError::NotFound.failed())?;
    let may_admin = may(viewer.grant, Permission::AdmitAdmins).is_ok();
    Ok(PendingDevice { user_code: login.user_code, asked_from: login.asked_from, asked_days: login.ttl_days, may_admin })
}
