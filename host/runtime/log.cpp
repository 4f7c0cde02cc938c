// SPDX-License-Identifier: Apache-2.0

#include "host/runtime/log.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <future>
#include <memory>
#include <thread>

namespace koppel::runtime {

namespace {
constexpr std::size_t longest_queue = 8192;  // lines
}

void start_log(const std::string& level, const std::filesystem::path& file) {
  spdlog::sink_ptr sink;
  if (file.empty())
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  else
    sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
  spdlog::init_thread_pool(longest_queue, 1);
  spdlog::set_default_logger(std::make_shared<spdlog::async_logger>("koppeld", std::move(sink), spdlog::thread_pool(),
                                                                    spdlog::async_overflow_policy::overrun_oldest));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %-8l %n: %v", spdlog::pattern_time_type::utc);
  spdlog::set_level(spdlog::level::from_str(level));
  spdlog::flush_on(spdlog::level::info);
}

bool end_log(std::chrono::milliseconds limit) {
  // Shutting down waits for the log's thread without a bound, so a thread waits for that; it outlives us if it must.
  auto ended = std::make_shared<std::promise<void>>();
  auto end = ended->get_future();
  std::thread closing([ended] {
    spdlog::shutdown();
    ended->set_value();
  });
  if (end.wait_for(limit) != std::future_status::ready) {
    closing.detach();
    return false;
  }
  closing.join();
  return true;
}

}  // namespace koppel::runtime
