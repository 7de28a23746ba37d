/** What client and server sides agree on about their connections. */

/** Largest message that travels; frames aim at half of it. */
export const messageBytesMax = 8 * 2 ** 20;
/** Most bytes that are gathered into one frame; a single larger message gets a frame of its own. */
export const frameBytesMax = 4 * 2 ** 20;

const limits = {
  'grpc.max_send_message_length': messageBytesMax,
  'grpc.max_receive_message_length': messageBytesMax,
};

export const serverOptions = {
  ...limits,
  // A client that vanished without a word is noticed within 15 s.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.max_concurrent_streams': 1_000,
  'grpc.enable_channelz': 0,
};

/** For the streams between nodes: they have heartbeats of their own, and each reconnect opens a connection of its own. */
export const peerChannelOptions = {
  ...limits,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  'grpc.enable_channelz': 0,
  'grpc.enable_http_proxy': 0,
  'grpc-node.flow_control_window': 2 ** 20,
  // Reconnecting is ours to time: this channel tries once.
  'grpc.initial_reconnect_backoff_ms': 60_000,
  'grpc.service_config_disable_resolution': 1,
};

/** Largest body of an exchange between memberships. */
export const exchangeBytesMax = 2 ** 20;

const exchangeLimits = {
  'grpc.max_send_message_length': exchangeBytesMax + 1_024,
  'grpc.max_receive_message_length': exchangeBytesMax + 1_024,
  'grpc.enable_channelz': 0,
};

export const exchangeServerOptions = { ...exchangeLimits, 'grpc.max_concurrent_streams': 100 };

/** One connection for one question: whether it can be made now is half of the answer. */
export const exchangeChannelOptions = {
  ...exchangeLimits,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
};
