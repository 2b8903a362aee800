#include "deploy/compatibility.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <format>
#include <vector>

#include "base/suggest.h"

namespace atolld::deploy {
namespace {

/// What a date or a flag decides.
struct Switch {
  Feature feature;
  std::string_view on, off;        ///< The flags.
  std::string_view since;          ///< On for dates from this one; empty: by flag only.
  std::string_view sinceWithNode;  ///< On for dates from this one where NodeModules is.
};
constexpr auto kSwitches = std::to_array<Switch>({
    {Feature::NodeModules, "nodejs_compat", "no_nodejs_compat", "2026-08-04", ""},
    {Feature::NodeGlobals, "nodejs_compat_v2", "no_nodejs_compat_v2", "2026-08-04", "2024-09-23"},
    {Feature::NodeTimers, "enable_nodejs_global_timers", "no_nodejs_global_timers", "",
     "2026-02-10"},
    {Feature::ProcessEnv, "nodejs_compat_populate_process_env",
     "nodejs_compat_do_not_populate_process_env", "", "2025-04-01"},
    {Feature::AsyncLocalStorage, "nodejs_als", "no_nodejs_als", "", ""},
    {Feature::CtxExports, "enable_ctx_exports", "disable_ctx_exports", "2025-11-17", ""},
    {Feature::RequireDefault, "require_returns_default_export", "require_returns_namespace",
     "2026-01-22", ""},
    {Feature::NoImportableEnv, "disallow_importable_env", "allow_importable_env", "", ""},
    {Feature::WebSocketBlobs, "websocket_standard_binary_type", "no_websocket_standard_binary_type",
     "2026-03-17", ""},
    {Feature::WebSocketAutoClose, "web_socket_auto_reply_to_close",
     "web_socket_manual_reply_to_close", "2026-04-07", ""},
});

struct Flags {
  std::string_view on, off;
};

/// The later behaviour holds at every date; `off` is refused.
constexpr auto kAlways = std::to_array<Flags>({
    {"formdata_parser_supports_files", "formdata_parser_converts_files_to_strings"},
    {"fetch_refuses_unknown_protocols", "fetch_treats_unknown_protocols_as_http"},
    {"streams_byob_reader_detaches_buffer", "streams_byob_reader_does_not_detach_buffer"},
    {"workers_api_getters_setters_on_prototype", "workers_api_getters_setters_on_instance"},
    {"dont_substitute_null_on_type_error", "substitute_null_on_type_error"},
    {"capture_async_api_throws", "do_not_capture_async_api_throws"},
    {"export_commonjs_default", "export_commonjs_namespace"},
    {"url_standard", "url_original"},
    {"streams_enable_constructors", "streams_disable_constructors"},
    {"transformstream_enable_standard_constructor", "transformstream_disable_standard_constructor"},
    {"response_redirect_url_standard", "response_redirect_url_original"},
    {"urlsearchparams_delete_has_value_arg", "no_urlsearchparams_delete_has_value_arg"},
    {"strict_compression_checks", "no_strict_compression_checks"},
    {"strict_crypto_checks", "no_strict_crypto_checks"},
    {"crypto_preserve_public_exponent", "no_crypto_preserve_public_exponent"},
    {"unwrap_custom_thenables", "no_unwrap_custom_thenables"},
    {"blob_standard_mime_type", "blob_legacy_mime_type"},
    {"fetch_standard_url", "fetch_legacy_url"},
    {"allow_custom_ports", "ignore_custom_ports"},
    {"set_tostring_tag", "do_not_set_tostring_tag"},
    {"handle_cross_request_promise_resolution", "no_handle_cross_request_promise_resolution"},
    {"upper_case_all_http_methods", "no_upper_case_all_http_methods"},
    {"disable_top_level_await_in_require", "enable_top_level_await_in_require"},
    {"fixup-transform-stream-backpressure", "original-transform-stream-backpressure"},
    {"urlpattern_standard", "urlpattern_original"},
    {"bind_asynclocalstorage_snapshot_to_request",
     "do_not_bind_asynclocalstorage_snapshot_to-request"},
    {"throw_on_unrecognized_import_assertion", "ignore_unrecognized_import_assertion"},
    {"set_event_target_this", "no_set_event_target_this"},
    {"strip_authorization_on_cross_origin_redirect",
     "retain_authorization_on_cross_origin_redirect"},
    {"strip_bom_in_read_all_text", "do_not_strip_bom_in_read_all_text"},
    {"rpc_params_dup_stubs", "rpc_params_transfer_stubs"},
    {"text_decoder_replace_surrogates", "disable_text_decoder_replace_surrogates"},
    {"text_decoder_cjk_decoder", "disable_text_decoder_cjk_decoder"},
    {"unhandled_rejection_after_microtask_checkpoint",
     "no_unhandled_rejection_after_microtask_checkpoint"},
    {"websocket_close_reason_byte_limit", "no_websocket_close_reason_byte_limit"},
    {"encoder_stream_spec_compliant_backpressure", "no_encoder_stream_spec_compliant_backpressure"},
    {"writable_stream_spec_compliant_writer", "no_writable_stream_spec_compliant_writer"},
    {"enhanced_error_serialization", "legacy_error_serialization"},
    {"diagnostics_channel_has_subscribers_getter", "no_diagnostics_channel_has_subscribers_getter"},
});

/// What `on` adds is there at every date, and is in the way of nobody: `off` is accepted and takes
/// nothing away.
constexpr auto kAdditions = std::to_array<Flags>({
    {"global_navigator", "no_global_navigator"},
    {"http_headers_getsetcookie", "no_http_headers_getsetcookie"},
    {"no_cf_botmanagement_default", "cf_botmanagement_default"},
    {"web_socket_compression", "no_web_socket_compression"},
    {"no_global_importscripts", "global_importscripts"},
    {"fetcher_no_get_put_delete", "fetcher_has_get_put_delete"},
    {"rpc", "no_rpc"},
    {"brotli_content_encoding", "no_brotli_content_encoding"},
    {"internal_stream_byob_return_view", "internal_stream_byob_return_undefined"},
    {"nodejs_zlib", "no_nodejs_zlib"},
    {"cache_option_enabled", "cache_option_disabled"},
    {"enable_weak_ref", "disable_weak_ref"},
    {"enable_navigator_language", "disable_navigator_language"},
    {"cache_no_cache_enabled", "cache_no_cache_disabled"},
    {"enable_nodejs_http_modules", "disable_nodejs_http_modules"},
    {"expose_global_message_channel", "no_expose_global_message_channel"},
    {"enable_nodejs_http2_module", "disable_nodejs_http2_module"},
    {"enable_nodejs_http_server_modules", "disable_nodejs_http_server_modules"},
    {"remove_nodejs_compat_eol", "add_nodejs_compat_eol"},
    {"remove_nodejs_compat_eol_v23", "add_nodejs_compat_eol_v23"},
    {"enable_nodejs_fs_module", "disable_nodejs_fs_module"},
    {"enable_nodejs_os_module", "disable_nodejs_os_module"},
    {"enable_nodejs_process_v2", "disable_nodejs_process_v2"},
    {"enable_nodejs_console_module", "disable_nodejs_console_module"},
    {"enable_nodejs_vm_module", "disable_nodejs_vm_module"},
    {"enable_fast_jsg_struct", "disable_fast_jsg_struct"},
    {"enable_nodejs_cluster_module", "disable_nodejs_cluster_module"},
    {"enable_nodejs_domain_module", "disable_nodejs_domain_module"},
    {"enable_nodejs_punycode_module", "disable_nodejs_punycode_module"},
    {"enable_nodejs_trace_events_module", "disable_nodejs_trace_events_module"},
    {"enable_nodejs_wasi_module", "disable_nodejs_wasi_module"},
    {"fetch_iterable_type_support_override_adjustment",
     "no_fetch_iterable_type_support_override_adjustment"},
    {"enable_nodejs_dgram_module", "disable_nodejs_dgram_module"},
    {"enable_nodejs_inspector_module", "disable_nodejs_inspector_module"},
    {"enable_nodejs_sqlite_module", "disable_nodejs_sqlite_module"},
    {"enable_nodejs_stream_wrap_module", "disable_nodejs_stream_wrap_module"},
    {"fetch_iterable_type_support", "no_fetch_iterable_type_support"},
    {"enable_global_performance_classes", "disable_global_performance_classes"},
    {"enable_nodejs_child_process_module", "disable_nodejs_child_process_module"},
    {"enable_nodejs_perf_hooks_module", "disable_nodejs_perf_hooks_module"},
    {"enable_nodejs_readline_module", "disable_nodejs_readline_module"},
    {"enable_nodejs_repl_module", "disable_nodejs_repl_module"},
    {"enable_nodejs_tty_module", "disable_nodejs_tty_module"},
    {"enable_nodejs_v8_module", "disable_nodejs_v8_module"},
    {"enable_nodejs_worker_threads_module", "disable_nodejs_worker_threads_module"},
    {"remove_nodejs_compat_eol_v22", "add_nodejs_compat_eol_v22"},
    {"remove_nodejs_compat_eol_v24", "add_nodejs_compat_eol_v24"},
    {"durable_object_alarms", ""},
    {"enable_request_signal", "disable_request_signal"},
    {"tcp_sockets_support", ""},
});

/// About what this node does not have (see isolates/README.md), or does in one way only that both
/// sides can live with: accepted, and nothing changes.
constexpr auto kWithoutEffect = std::to_array<Flags>({
    {"python_workers", ""},
    {"durable_object_fetch_requires_full_url", "durable_object_fetch_allows_relative_url"},
    {"no_cots_on_external_fetch", "cots_on_external_fetch"},
    {"minimal_subrequests", "no_minimal_subrequests"},
    {"r2_list_honor_include", ""},
    {"dynamic_dispatch_tunnel_exceptions", "dynamic_dispatch_treat_exceptions_as_500"},
    {"vectorize_query_metadata_optional", "vectorize_query_original"},
    {"queues_json_messages", "no_queues_json_messages"},
    {"internal_writable_stream_abort_clears_queue",
     "internal_writable_stream_abort_does_not_clear_queue"},
    {"assets_navigation_prefers_asset_serving", "assets_navigation_has_no_effect"},
    {"request_cf_overrides_cache_rules", "no_request_cf_overrides_cache_rules"},
    {"cache_api_compat_flags", "no_cache_api_compat_flags"},
    {"cache_api_request_cf_overrides_cache_rules", "no_cache_api_request_cf_overrides_cache_rules"},
    {"allow_eval_during_startup", "disallow_eval_during_startup"},
    {"set_forwardable_email_full_headers", "set_forwardable_email_single_headers"},
    {"python_workers_force_new_vendor_path", ""},
    {"python_no_global_handlers", "disable_python_no_global_handlers"},
    {"enable_validate_workflow_entrypoint", "disable_validate_workflow_entrypoint"},
    {"python_workflows", "disable_python_workflows"},
    {"python_workers_20250116", "no_python_workers_20250116"},
    {"python_dedicated_snapshot", "disable_python_dedicated_snapshot"},
    {"python_request_headers_preserve_commas", "disable_python_request_headers_preserve_commas"},
    {"delete_all_deletes_alarm", "delete_all_preserves_alarm"},
    {"python_workflows_implicit_dependencies", "no_python_workflows_implicit_dependencies"},
    {"queue_expose_error_codes", "no_queue_expose_error_codes"},
    {"containers_pid_namespace", "no_containers_pid_namespace"},
    {"enable_python_external_sdk", "disable_python_external_sdk"},
    {"workflows_preserve_non_retryable_error_message",
     "workflows_replace_non_retryable_error_message"},
    {"python_process_pth_files", "disable_python_process_pth_files"},
    {"throw_on_not_implemented_tls_options", "no_throw_on_not_implemented_tls_options"},
    {"workflows_enable_fast_engine_creation", "workflows_disable_fast_engine_creation"},
    {"allow_irrevocable_stub_storage", ""},
    {"enable_email_sending_queuing", "disable_email_sending_queuing"},
    {"enable_streams_nodejs_v24_compat", "disable_streams_nodejs_v24_compat"},
    {"env_module_nullable_support", "no_env_module_nullable_support"},
    {"global_fetch_strictly_public", "global_fetch_private_origin"},
    {"html_rewriter_treats_esi_include_as_void_tag", ""},
    {"immutable_api_prototypes", "mutable_api_prototypes"},
    {"new_module_registry", "legacy_module_registry"},
    {"no_resizable_array_buffer_in_blob", "resizable_array_buffer_in_blob"},
    {"pedantic_wpt", "non_pedantic_wpt"},
    {"python_external_packages", ""},
    {"python_workers_20260610", "no_python_workers_20260610"},
    {"queue_consumer_no_wait_for_wait_until", "queue_consumer_wait_for_wait_until"},
    {"r2_public_beta_bindings", "r2_internal_beta_bindings"},
    {"request_signal_passthrough", "no_request_signal_passthrough"},
});

/// Not open to the public on Workers either.
constexpr auto kExperimental =
    std::to_array<std::string_view>({"allow_insecure_inefficient_logged_eval",
                                     "auto_grpc_convert",
                                     "cache_reload_enabled",
                                     "connect_pass_through",
                                     "d1_binding_jsrpc",
                                     "durable_object_get_existing",
                                     "durable_object_rename",
                                     "enable_abortsignal_rpc",
                                     "enable_ctx_version_metadata",
                                     "enable_d1_with_sessions_api",
                                     "enable_nodejs_inspector_local_dev",
                                     "enable_version_api",
                                     "enable_web_file_system",
                                     "experimental",
                                     "expose_draining_reader",
                                     "increase_websocket_message_size",
                                     "js_rpc",
                                     "kv_direct_binding",
                                     "memory_cache_delete",
                                     "precise_timers",
                                     "python_workers_20260817",
                                     "python_workers_development",
                                     "python_workers_durable_objects",
                                     "replica_routing",
                                     "rtti_api",
                                     "service_binding_extra_handlers",
                                     "spec_compliant_property_attributes",
                                     "streaming_tail_worker",
                                     "streams_no_default_auto_allocate_chunk_size",
                                     "tail_worker_user_spans",
                                     "typescript_implemented_streams",
                                     "typescript_strip_types",
                                     "unsafe_module",
                                     "unsupported_process_actual_platform",
                                     "wasm_memory_discard",
                                     "webgpu",
                                     "workflows_bindings_rpc",
                                     "workflows_step_rollback"});

bool hasFlag(std::span<const std::string> flags, std::string_view flag) {
  return !flag.empty() && std::ranges::find(flags, flag) != flags.end();
}

bool isFrom(std::string_view since, std::string_view date) {
  return !since.empty() && (date.empty() || date >= since);
}

template <class Row>
bool names(const Row& row, std::string_view flag) {
  return row.on == flag || row.off == flag;
}

std::vector<std::string_view> knownFlags() {
  std::vector<std::string_view> known;
  const auto add = [&](const auto& rows) {
    for (const auto& row : rows) {
      known.push_back(row.on);
      if (!row.off.empty()) known.push_back(row.off);
    }
  };
  add(kSwitches);
  add(kAlways);
  add(kAdditions);
  add(kWithoutEffect);
  return known;
}

std::unexpected<Error> refuse(std::string_view flag, std::string_view why) {
  return fail(ErrorCode::InvalidArgument, std::format("compatibility flag \"{}\"{}", flag, why));
}

Result<> checkFlag(std::string_view flag) {
  const auto isOurs = [flag](const auto& row) { return names(row, flag); };
  if (std::ranges::any_of(kSwitches, isOurs) || std::ranges::any_of(kAdditions, isOurs) ||
      std::ranges::any_of(kWithoutEffect, isOurs)) {
    return {};
  }
  if (const auto row = std::ranges::find_if(kAlways, isOurs); row != kAlways.end()) {
    if (row->on == flag) return {};
    return refuse(flag, std::format(": {} holds at every date here; leave the flag out", row->on));
  }
  if (std::ranges::find(kExperimental, flag) != kExperimental.end()) {
    return refuse(flag, " is experimental on Workers and not offered here");
  }
  return refuse(flag, " is not known" + didYouMean(flag, knownFlags()));
}

}  // namespace

bool isDate(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  int numbers[3] = {};
  int field = 0;
  for (const char c : text) {
    if (c == '-') {
      ++field;
    } else if (c < '0' || c > '9' || field > 2) {
      return false;
    } else {
      numbers[field] = numbers[field] * 10 + (c - '0');
    }
  }
  return field == 2 &&
         std::chrono::year_month_day(std::chrono::year(numbers[0]),
                                     std::chrono::month(static_cast<unsigned>(numbers[1])),
                                     std::chrono::day(static_cast<unsigned>(numbers[2])))
             .ok();
}

Result<> checkCompatibility(std::string_view date, std::span<const std::string> flags) {
  if (!isDate(date)) {
    return fail(ErrorCode::InvalidArgument, R"(compatibility date: give a day as "YYYY-MM-DD")");
  }
  if (date < kCompatibilityDateMin) {
    return fail(ErrorCode::InvalidArgument,
                std::format("compatibility date {} is too old: the oldest date accepted is {}. "
                            "Take that or a later one",
                            date, kCompatibilityDateMin));
  }
  for (const std::string& flag : flags) ATOLL_TRY_VOID(checkFlag(flag));
  for (const Switch& row : kSwitches) {
    if (hasFlag(flags, row.on) && hasFlag(flags, row.off)) {
      return refuse(row.on, std::format(" and \"{}\" contradict each other", row.off));
    }
  }
  return {};
}

Features featuresOf(std::string_view date, std::span<const std::string> flags) {
  Features features;
  for (const Switch& row : kSwitches) {
    // In the table's order: NodeModules is known when others ask for it.
    const bool byNode = features.has(Feature::NodeModules) && isFrom(row.sinceWithNode, date);
    features.set(row.feature, hasFlag(flags, row.on) || (!hasFlag(flags, row.off) &&
                                                         (isFrom(row.since, date) || byNode)));
  }
  if (hasFlag(flags, "nodejs_compat_v2")) features.set(Feature::NodeModules, true);
  if (!features.has(Feature::NodeModules)) {
    for (const Feature needy : {Feature::NodeGlobals, Feature::NodeTimers, Feature::ProcessEnv}) {
      features.set(needy, false);
    }
  }
  return features;
}

}  // namespace atolld::deploy
