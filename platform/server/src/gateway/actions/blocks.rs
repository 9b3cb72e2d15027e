//! Whom a player never plays with or against. It counts from the player's next ticket on.

use muster_core::id::PlayerId;
use muster_core::wire::BlockList;
use muster_store::BlockError;

use crate::error::{ApiError, Code};
use crate::gateway::Gateway;

impl Gateway {
    /// Everybody the player blocks.
    pub(in crate::gateway) async fn list_blocks(&self, player: PlayerId) -> Result<BlockList, ApiError> {
        Ok(BlockList { players: self.store.blocks.of(player).await? })
    }

    /// Blocks somebody; blocked already is as good.
    pub(in crate::gateway) async fn block(&self, player: PlayerId, other: PlayerId) -> Result<(), ApiError> {
        match self.store.blocks.add(player, other, muster_store::now()).await {
            Ok(_) => Ok(()),
            Err(BlockError::UnknownPlayer) => Err(Code::NotFound.into()),
            Err(BlockError::Oneself) => Err(ApiError::field("id", "another player's id")),
            Err(BlockError::TooMany) => Err(Code::TooManyBlocks.into()),
            Err(BlockError::Store(error)) => Err(error.into()),
        }
    }

    /// Takes a block back; not blocked is as good.
    pub(in crate::gateway) async fn unblock(&self, player: PlayerId, other: PlayerId) -> Result<(), ApiError> {
        Ok(self.store.blocks.remove(player, other).await.map(drop)?)
    }
}
