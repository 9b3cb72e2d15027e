//! Staff: who is signed in, signing in and out.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use muster_store::StaffMember;
use secrecy::SecretString;

use super::{errors::ApiError, of_schema, time::Time};
use crate::{
    auth::{Caller, Sessions, SignInDesk, SignedIn},
    events,
};

/// Somebody of the staff.
#[derive(SimpleObject)]
pub struct Staff {
    /// Staff id, `stf_…`.
    id: ID,
    /// The address they sign in with.
    email: String,
    /// How they are called.
    display_name: String,
    /// What they may do.
    role: StaffRole,
}

impl From<StaffMember> for Staff {
    fn from(member: StaffMember) -> Self {
        Self {
            id: member.staff_id.to_string().into(),
            email: member.email,
            display_name: member.display_name,
            role: member.role.into(),
        }
    }
}

/// What somebody of the staff may do; each role may do what those before it may.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum StaffRole {
    /// Looks.
    Viewer,
    /// Helps players.
    Support,
    /// Runs the platform.
    Operator,
    /// Runs the staff.
    Admin,
}

impl From<muster_store::StaffRole> for StaffRole {
    fn from(role: muster_store::StaffRole) -> Self {
        match role {
            muster_store::StaffRole::Viewer => Self::Viewer,
            muster_store::StaffRole::Support => Self::Support,
            muster_store::StaffRole::Operator => Self::Operator,
            muster_store::StaffRole::Admin => Self::Admin,
        }
    }
}

/// A session that was just opened.
#[derive(SimpleObject)]
pub struct SignIn {
    /// The session's secret, for `Authorization: Bearer …`. It is shown this once.
    token: String,
    /// When the session ends by itself.
    expires_at: Time,
    /// Who signed in.
    staff: Staff,
}

/// Queries about staff.
#[derive(Default)]
pub struct StaffQuery;

#[Object]
impl StaffQuery {
    /// Who is signed in.
    #[graphql(guard = "SignedIn")]
    async fn me(&self, context: &Context<'_>) -> Result<Staff, ApiError> {
        let session = caller(context)?.session.clone().ok_or(ApiError::Unauthenticated)?;
        Ok(session.member.into())
    }
}

/// Acts of staff on their own sessions.
#[derive(Default)]
pub struct StaffMutation;

#[Object]
impl StaffMutation {
    /// Opens a session. The only act that needs none; an operation may hold one of it and nothing else.
    #[graphql(complexity = "crate::schema::cost::SIGN_IN + child_complexity")]
    async fn sign_in(&self, context: &Context<'_>, email: String, password: String) -> Result<SignIn, ApiError> {
        let password = SecretString::from(password);
        let opened = of_schema::<SignInDesk>(context)?.sign_in(&email, password, caller(context)?.address).await?;
        Ok(SignIn {
            token: opened.token.expose().to_owned(),
            expires_at: Time(opened.expires_at),
            staff: opened.member.into(),
        })
    }

    /// Ends the session it is asked with; its subscriptions end within seconds.
    #[graphql(guard = "SignedIn")]
    async fn sign_out(&self, context: &Context<'_>) -> Result<bool, ApiError> {
        let session = caller(context)?.session.as_ref().ok_or(ApiError::Unauthenticated)?;
        let closed = of_schema::<Sessions>(context)?.close(session).await.map_err(ApiError::internal("sign_out"))?;
        if closed {
            events::signed_out(session.member.staff_id);
        }
        Ok(closed)
    }
}

fn caller<'a>(context: &Context<'a>) -> Result<&'a Caller, ApiError> {
    context.data_opt::<Caller>().ok_or(ApiError::Unauthenticated)
}
