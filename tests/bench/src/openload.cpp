// Sends requests at a constant rate, however slow the answers are, and measures each from the
// moment it was due: a server that stalls delays all that was due meanwhile, and that shows.
//
//   openload PORT REQUESTS RATE SECONDS CONNECTIONS [SAMPLES]
//
// to 127.0.0.1:PORT over at most CONNECTIONS kept connections. REQUESTS is a file of whole requests
// to send in turn, each as its length in bytes, a newline, and the bytes. Prints one JSON object;
// times are milliseconds, percentiles those of the answers 2xx. SAMPLES gets their times, one a
// line. A request whose connection is closed before a byte of the answer came is sent once more.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Instant = Clock::time_point;

constexpr std::chrono::seconds kGrace{15};  // for what is still unanswered at the end

double milliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

std::vector<std::string> readRequests(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::string> requests;
  for (std::string line; std::getline(file, line);) {
    std::string request(std::stoul(line), '\0');
    if (!file.read(request.data(), static_cast<std::streamsize>(request.size()))) {
      throw std::runtime_error("the requests end too early");
    }
    requests.push_back(std::move(request));
  }
  if (requests.empty()) throw std::runtime_error("no requests");
  return requests;
}

// An answer as far as it has come.
class Answer {
 public:
  void clear() {
    bytes_.clear();
    bodyAt_ = std::string::npos;
  }
  void add(const char* bytes, std::size_t count) { bytes_.append(bytes, count); }
  bool begun() const { return !bytes_.empty(); }
  int status() const { return bytes_.size() < 12 ? 0 : std::atoi(bytes_.c_str() + 9); }
  bool closes() const { return closes_; }

  bool whole() {
    if (bodyAt_ == std::string::npos && !readHead()) return false;
    if (chunked_) {
      constexpr std::string_view kLast = "0\r\n\r\n";
      return bytes_.size() >= bodyAt_ + kLast.size() &&
             bytes_.compare(bytes_.size() - kLast.size(), kLast.size(), kLast) == 0;
    }
    return bytes_.size() >= bodyAt_ + length_;
  }

 private:
  bool readHead() {
    const std::size_t end = bytes_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    std::string head = bytes_.substr(0, end);
    std::transform(head.begin(), head.end(), head.begin(), [](unsigned char c) {
      return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    });
    constexpr std::string_view kLength = "\r\ncontent-length:";
    const std::size_t at = head.find(kLength);
    length_ =
        at == std::string::npos ? 0 : std::strtoul(head.c_str() + at + kLength.size(), nullptr, 10);
    chunked_ = head.find("\r\ntransfer-encoding: chunked") != std::string::npos;
    closes_ = head.find("\r\nconnection: close") != std::string::npos;
    bodyAt_ = end + 4;
    return true;
  }

  std::string bytes_;
  std::size_t bodyAt_ = std::string::npos;
  std::size_t length_ = 0;
  bool chunked_ = false;
  bool closes_ = false;
};

// What one request was about, from when it was due to its answer.
struct Errand {
  std::size_t number = 0;
  Instant due;
  bool again = false;
};

struct Connection {
  int socket = -1;
  bool busy = false;
  Errand errand;
  std::size_t sent = 0;
  Answer answer;
};

class Load {
 public:
  Load(std::uint16_t port, std::vector<std::string> requests, double rate, double seconds,
       std::size_t most)
      : port_(port),
        requests_(std::move(requests)),
        gap_(std::chrono::duration<double>(1 / rate)),
        total_(static_cast<std::size_t>(rate * seconds)),
        most_(most),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        timer_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, timer_, &event);
    times_.reserve(total_);
  }

  void run() {
    start_ = Clock::now() + std::chrono::milliseconds(20);
    const Instant end = dueTime(total_) + kGrace;
    arm();
    std::array<epoll_event, 256> events;
    while (answered_ < total_ && Clock::now() < end) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 1000);
      for (int i = 0; i < count; ++i) {
        auto* connection = static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (connection == nullptr) {
          std::uint64_t ticks = 0;
          if (read(timer_, &ticks, sizeof ticks) < 0 && errno != EAGAIN) std::abort();
        } else if (connection->socket >= 0) {
          serve(*connection, events[static_cast<std::size_t>(i)].events);
        }
      }
      sendDue();
    }
    took_ = Clock::now() - start_;
  }

  void report(const char* samples) {
    std::sort(times_.begin(), times_.end());
    std::sort(late_.begin(), late_.end());
    std::printf("{\"sent\":%zu,\"answered\":%zu,\"seconds\":%.3f,\"late_p99\":%.3f,\"ms\":{", next_,
                answered_, std::chrono::duration<double>(took_).count(), at(late_, 0.99));
    std::printf("\"p50\":%.3f,\"p90\":%.3f,\"p95\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f}",
                at(times_, 0.5), at(times_, 0.9), at(times_, 0.95), at(times_, 0.99),
                at(times_, 0.999), at(times_, 1));
    std::printf(",\"statuses\":{");
    const char* between = "";
    for (const auto& [status, count] : statuses_) {
      std::printf("%s\"%d\":%ld", between, status, count);
      between = ",";
    }
    std::printf("}}\n");
    if (samples == nullptr) return;
    std::ofstream file(samples);
    for (const double time : times_) file << time << '\n';
  }

 private:
  static double at(const std::vector<double>& sorted, double share) {
    if (sorted.empty()) return -1;
    const auto rank = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
    return sorted[std::min(rank, sorted.size() - 1)];
  }

  Instant dueTime(std::size_t number) const {
    return start_ + std::chrono::duration_cast<Clock::duration>(gap_ * static_cast<double>(number));
  }

  // The timer rings when the next request is due.
  void arm() {
    if (next_ >= total_) return;
    const auto since = dueTime(next_).time_since_epoch();
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(since);
    itimerspec when{};
    when.it_value.tv_sec = whole.count();
    when.it_value.tv_nsec =
        std::chrono::duration_cast<std::chrono::nanoseconds>(since - whole).count();
    timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr);
  }

  void sendDue() {
    const Instant now = Clock::now();
    const std::size_t before = next_;
    for (; next_ < total_ && dueTime(next_) <= now; ++next_) {
      waiting_.push_back({next_, dueTime(next_), false});
      late_.push_back(milliseconds(now - waiting_.back().due));
    }
    if (next_ != before) arm();
    while (!waiting_.empty()) {
      Connection* connection = spare();
      if (connection == nullptr) break;
      const Errand errand = waiting_.front();
      waiting_.pop_front();
      send(*connection, errand);
    }
  }

  // A connection that is free; null if all are at work.
  Connection* spare() {
    if (!idle_.empty()) {
      Connection* connection = idle_.back();
      idle_.pop_back();
      return connection;
    }
    if (open_ >= most_) return nullptr;
    if (closed_.empty()) {
      connections_.push_back(std::make_unique<Connection>());
      closed_.push_back(connections_.back().get());
    }
    Connection* connection = closed_.back();
    closed_.pop_back();
    connect(*connection);
    return connection;
  }

  void connect(Connection& connection) {
    connection.socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection.socket < 0) throw std::runtime_error("no socket: raise the limit of files");
    const int yes = 1;
    setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(connection.socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 &&
        errno != EINPROGRESS) {
      throw std::runtime_error("cannot connect");
    }
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.ptr = &connection;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket, &event);
    ++open_;
  }

  void send(Connection& connection, const Errand& errand) {
    connection.busy = true;
    connection.errand = errand;
    connection.sent = 0;
    connection.answer.clear();
    push(connection);
  }

  void push(Connection& connection) {
    const std::string& request = requests_[connection.errand.number % requests_.size()];
    while (connection.sent < request.size()) {
      const ssize_t count = ::send(connection.socket, request.data() + connection.sent,
                                   request.size() - connection.sent, MSG_NOSIGNAL);
      if (count < 0) return;  // not yet, or broken, which reading will show
      connection.sent += static_cast<std::size_t>(count);
    }
  }

  void serve(Connection& connection, std::uint32_t events) {
    if (connection.busy && (events & EPOLLOUT) != 0) push(connection);
    std::array<char, 65536> piece;
    while (true) {
      const ssize_t count = recv(connection.socket, piece.data(), piece.size(), 0);
      if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
      if (count <= 0) {
        if (connection.busy && connection.answer.whole()) return finished(connection, true);
        return broken(connection);
      }
      if (connection.busy) connection.answer.add(piece.data(), static_cast<std::size_t>(count));
    }
    if (connection.busy && connection.answer.whole()) {
      finished(connection, connection.answer.closes());
    }
  }

  void finished(Connection& connection, bool closes) {
    const int status = connection.answer.status();
    ++statuses_[status];
    ++answered_;
    if (status >= 200 && status < 300) {
      times_.push_back(milliseconds(Clock::now() - connection.errand.due));
    }
    connection.busy = false;
    if (closes) return close(connection);
    idle_.push_back(&connection);
  }

  void broken(Connection& connection) {
    const bool lost = connection.busy;
    Errand errand = connection.errand;
    const bool again = !errand.again && !connection.answer.begun();
    if (!lost) idle_.erase(std::find(idle_.begin(), idle_.end(), &connection));
    connection.busy = false;
    close(connection);
    if (lost && again) {
      errand.again = true;
      waiting_.push_front(errand);
    } else if (lost) {
      ++statuses_[0];
      ++answered_;
    }
  }

  void close(Connection& connection) {
    ::close(connection.socket);
    connection.socket = -1;
    --open_;
    closed_.push_back(&connection);
  }

  const std::uint16_t port_;
  const std::vector<std::string> requests_;
  const std::chrono::duration<double> gap_;
  const std::size_t total_;
  const std::size_t most_;
  const int epoll_;
  const int timer_;
  Instant start_;
  Clock::duration took_{};
  std::size_t next_ = 0;  // the number of the next request that will be due
  std::size_t answered_ = 0;
  std::size_t open_ = 0;
  std::deque<Errand> waiting_;  // due, and no connection is free
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> idle_;
  std::vector<Connection*> closed_;
  std::map<int, long> statuses_;  // 0: none came
  std::vector<double> times_;
  std::vector<double> late_;  // how late this program itself was
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 6 && argc != 7) {
    std::fprintf(stderr, "usage: openload PORT REQUESTS RATE SECONDS CONNECTIONS [SAMPLES]\n");
    return 2;
  }
  Load load(static_cast<std::uint16_t>(std::atoi(argv[1])), readRequests(argv[2]),
            std::atof(argv[3]), std::atof(argv[4]), std::strtoul(argv[5], nullptr, 10));
  load.run();
  load.report(argc == 7 ? argv[6] : nullptr);
} catch (const std::exception& error) {
  std::fprintf(stderr, "openload: %s\n", error.what());
  return 1;
}
