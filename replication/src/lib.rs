//! Replication protocol of qucan: ships opaque log groups from a region to the centre. Knows no order, no HTTP route, no
//! storage. Frames, handshake, sender and receiver come with the aggregator.
