/** How connections behave: a peer that stopped or vanished is noticed by pings, whatever TCP still believes of it. */
import type { ChannelOptions } from '@grpc/grpc-js';
import { messageBytesMax } from '../grpc/channel-options.js';

export const connectionOptions: ChannelOptions = {
  'grpc.keepalive_time_ms': 1_000,
  'grpc.keepalive_timeout_ms': 2_000,
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.max_send_message_length': messageBytesMax,
  'grpc.max_receive_message_length': messageBytesMax,
  'grpc-node.flow_control_window': 2 ** 20,
  // Repeating a request is decided here, with its id, not below.
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_channelz': 0,
};
