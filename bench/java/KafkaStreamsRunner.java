import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.WindowStore;

/** The workloads of the benchmark on Kafka Streams; the environment and the lines on stdout are those of bench/runner.ts. */
public final class KafkaStreamsRunner {
  public static final class Position {
    public String truck, driver;
    public long ts, odo;
    public double lat, lon;
    public int speed, heading;
  }

  public static final class Speed {
    public String truck;
    public long ts;
    public double lat, lon;
    public int mph;
    public boolean over;
  }

  public static final class Payment {
    public String id, account, currency, merchant, kind;
    public long amount, ts;
  }

  public static final class Total {
    public long count, sum;
  }

  public static final class Vehicle {
    public String truck, model, fleet;
    public long capacity;
  }

  public static final class Enriched {
    public String truck, fleet;
    public long ts, capacity;
    public double lat, lon;
    public int speed;
  }

  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final CountDownLatch DONE = new CountDownLatch(1);
  private static final long RECORDS = Long.parseLong(env("RECORDS", "0"));
  private static final long STEP = Math.max(1, (RECORDS == 0 ? 1_000_000 : RECORDS) / 100);
  /** Touched by the one stream thread only. */
  private static long seen = 0;

  public static void main(String[] args) throws InterruptedException {
    StreamsBuilder builder = new StreamsBuilder();
    build(builder, env("WORKLOAD", "w1"), env("INPUT", ""), env("OUTPUT", ""), env("TABLE", ""));
    KafkaStreams streams = new KafkaStreams(builder.build(), settings());
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    streams.setStateListener((now, before) -> {
      say("STATE " + System.currentTimeMillis() + " " + now);
      if (now == KafkaStreams.State.ERROR) Runtime.getRuntime().halt(1);
    });
    streams.setGlobalStateRestoreListener(new StateRestoreListener() {
      @Override
      public void onRestoreStart(TopicPartition partition, String store, long start, long end) {
        say("RESTORE_START " + System.currentTimeMillis() + " " + partition.partition() + " " + (end - start));
      }

      @Override
      public void onBatchRestored(TopicPartition partition, String store, long end, long records) {}

      @Override
      public void onRestoreEnd(TopicPartition partition, String store, long records) {
        say("RESTORE_END " + System.currentTimeMillis() + " " + partition.partition() + " " + records);
      }
    });
    Thread main = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> closeBefore(main)));
    streams.start();
    DONE.await();
    streams.close(Duration.ofSeconds(60));
    say("P " + seen);
    say("CLOSED " + System.currentTimeMillis());
    Runtime.getRuntime().halt(0);
  }

  /** The JVM ends when its hooks have: this one lasts until the application is closed, whereupon `main` halts. */
  private static void closeBefore(Thread main) {
    DONE.countDown();
    try {
      main.join();
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
    }
  }

  private static Properties settings() {
    Properties settings = new Properties();
    settings.put("application.id", env("RUN_ID", "bench"));
    settings.put("bootstrap.servers", env("BOOTSTRAP", ""));
    settings.put("state.dir", env("STATE_DIR", ""));
    settings.put("num.stream.threads", "1");
    settings.put("auto.offset.reset", "earliest");
    if (env("GUARANTEE", "alos").equals("eos")) settings.put("processing.guarantee", "exactly_once_v2");
    if (!env("INSTANCE_ID", "").isEmpty()) settings.put("group.instance.id", env("INSTANCE_ID", ""));
    for (String entry : env("KAFKA_STREAMS_SETTINGS", "").split(",")) {
      int equals = entry.indexOf('=');
      if (equals > 0) settings.put(entry.substring(0, equals), entry.substring(equals + 1));
    }
    return settings;
  }

  private static void build(StreamsBuilder builder, String workload, String input, String output, String table) {
    Serde<String> text = Serdes.String();
    Serde<Position> position = json(Position.class);
    switch (workload) {
      case "w1" -> builder.stream(input, Consumed.with(text, position))
          .filter((key, value) -> {
            tick();
            return value.speed >= 50;
          })
          .mapValues(KafkaStreamsRunner::speedOf)
          .to(output, Produced.with(text, json(Speed.class)));
      case "w2", "w2big" -> builder.stream(input, Consumed.with(text, json(Payment.class)))
          .groupByKey()
          .aggregate(Total::new, (key, payment, total) -> {
            tick();
            total.count++;
            total.sum += payment.amount;
            return total;
          }, Materialized.<String, Total, KeyValueStore<Bytes, byte[]>>as("acc").withKeySerde(text).withValueSerde(json(Total.class)))
          .toStream()
          .to(output, Produced.with(text, json(Total.class)));
      case "w3" -> builder.stream(input, Consumed.with(text, position))
          .groupByKey()
          .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofMinutes(1), Duration.ofMinutes(1)))
          .aggregate(() -> 0L, KafkaStreamsRunner::countOne,
              Materialized.<String, Long, WindowStore<Bytes, byte[]>>as("win").withKeySerde(text).withValueSerde(Serdes.Long()))
          .toStream((key, value) -> key.key() + "@" + key.window().start())
          .to(output, Produced.with(text, number()));
      case "w4" -> {
        KTable<String, Vehicle> vehicles = builder.table(table, Consumed.with(text, json(Vehicle.class)));
        builder.stream(input, Consumed.with(text, position))
            .peek((key, value) -> tick())
            .join(vehicles, KafkaStreamsRunner::enriched, Joined.with(text, position, json(Vehicle.class)))
            .to(output, Produced.with(text, json(Enriched.class)));
      }
      case "w5" -> builder.stream(input, Consumed.with(text, position))
          .selectKey((key, value) -> value.driver)
          .groupByKey(Grouped.with(text, position))
          .aggregate(() -> 0L, KafkaStreamsRunner::countOne,
              Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as("cnt").withKeySerde(text).withValueSerde(Serdes.Long()))
          .toStream()
          .to(output, Produced.with(text, number()));
      default -> throw new IllegalArgumentException(workload);
    }
  }

  private static Speed speedOf(Position position) {
    Speed speed = new Speed();
    speed.truck = position.truck;
    speed.ts = position.ts;
    speed.lat = position.lat;
    speed.lon = position.lon;
    speed.mph = position.speed * 621 / 1000;
    speed.over = position.speed > 90;
    return speed;
  }

  private static Enriched enriched(Position position, Vehicle vehicle) {
    Enriched enriched = new Enriched();
    enriched.truck = position.truck;
    enriched.ts = position.ts;
    enriched.lat = position.lat;
    enriched.lon = position.lon;
    enriched.speed = position.speed;
    enriched.fleet = vehicle.fleet;
    enriched.capacity = vehicle.capacity;
    return enriched;
  }

  private static long countOne(String key, Position position, long count) {
    tick();
    return count + 1;
  }

  private static <T> Serde<T> json(Class<T> type) {
    ObjectReader reader = MAPPER.readerFor(type);
    ObjectWriter writer = MAPPER.writerFor(type);
    return Serdes.serdeFrom((topic, value) -> {
      try {
        return value == null ? null : writer.writeValueAsBytes(value);
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }, (topic, bytes) -> {
      try {
        return bytes == null ? null : reader.readValue(bytes);
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    });
  }

  private static Serde<Long> number() {
    return Serdes.serdeFrom(
        (topic, value) -> value == null ? null : Long.toString(value).getBytes(StandardCharsets.UTF_8),
        (topic, bytes) -> bytes == null ? null : Long.valueOf(new String(bytes, StandardCharsets.UTF_8)));
  }

  private static void tick() {
    seen++;
    if (seen == 1) say("FIRST " + System.currentTimeMillis());
    if (seen % STEP == 0) say("P " + seen);
    if (seen == RECORDS) {
      say("LAST " + System.currentTimeMillis());
      DONE.countDown();
    }
  }

  private static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  private static String env(String name, String otherwise) {
    return System.getenv().getOrDefault(name, otherwise);
  }

  private KafkaStreamsRunner() {}
}
