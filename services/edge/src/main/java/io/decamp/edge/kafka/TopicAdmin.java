package io.decamp.edge.kafka;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.TopicSettings;
import io.decamp.contracts.v1.Finding;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Creates the topics that are missing, and says what is too weak about those that are there. Changes no topic. */
public final class TopicAdmin {
    /** With three brokers or more everything is kept three times; below that there is nothing to keep it on. */
    private static final int CLUSTER_BROKERS = TopicSettings.CLUSTER_REPLICATION;

    private final Bus bus;

    public TopicAdmin(Bus bus) {
        this.bus = bus;
    }

    /**
     * @return what is weak; a NOTE is only good to know, a BLOCKER means that a workload could be lost or run twice
     * @throws DecampException {@code broker-unreachable}
     */
    public List<Finding> ensure(Duration limit) {
        long deadlineNanos = System.nanoTime() + limit.toNanos();
        try (Admin admin = Admin.create(bus.settings().common(bus.clientId("admin")))) {
            int brokers = get(admin.describeCluster().nodes(), deadlineNanos).size();
            boolean cluster = brokers >= CLUSTER_BROKERS;
            create(admin, cluster, deadlineNanos);
            return check(admin, cluster, deadlineNanos);
        } catch (ExecutionException e) {
            throw unreachable(e.getCause());
        } catch (TimeoutException | KafkaException e) {
            throw unreachable(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unreachable(e);
        }
    }

    /**
     * Where the brokers of the cluster run, as they announce it: HOST each.
     *
     * @throws DecampException {@code broker-unreachable}
     */
    public List<String> brokerHosts(Duration limit) {
        try (Admin admin = Admin.create(bus.settings().common(bus.clientId("admin")))) {
            return get(admin.describeCluster().nodes(), System.nanoTime() + limit.toNanos()).stream()
                    .map(Node::host)
                    .toList();
        } catch (ExecutionException e) {
            throw unreachable(e.getCause());
        } catch (TimeoutException | KafkaException e) {
            throw unreachable(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unreachable(e);
        }
    }

    private void create(Admin admin, boolean cluster, long deadlineNanos)
            throws ExecutionException, InterruptedException, TimeoutException {
        Set<String> there = new HashSet<>(get(admin.listTopics().names(), deadlineNanos));
        List<NewTopic> missing = new ArrayList<>();
        for (TopicSettings topic : TopicSettings.all()) {
            if (!there.contains(topic.topic())) {
                short replication = (short) (cluster ? TopicSettings.CLUSTER_REPLICATION : 1);
                missing.add(
                        new NewTopic(topic.topic(), topic.partitions(), replication).configs(topic.configFor(cluster)));
            }
        }
        for (KafkaFuture<Void> created : admin.createTopics(missing).values().values()) {
            try {
                get(created, deadlineNanos);
            } catch (ExecutionException e) {
                // another node was faster
                if (!(e.getCause() instanceof TopicExistsException)) {
                    throw e;
                }
            }
        }
    }

    private List<Finding> check(Admin admin, boolean cluster, long deadlineNanos)
            throws ExecutionException, InterruptedException, TimeoutException {
        List<ConfigResource> resources = new ArrayList<>();
        List<String> names = new ArrayList<>();
        for (TopicSettings topic : TopicSettings.all()) {
            names.add(topic.topic());
            resources.add(new ConfigResource(ConfigResource.Type.TOPIC, topic.topic()));
        }
        Map<String, TopicDescription> descriptions = describe(admin, names, deadlineNanos);
        Map<ConfigResource, Config> configs =
                get(admin.describeConfigs(resources).all(), deadlineNanos);
        List<Finding> findings = new ArrayList<>();
        for (TopicSettings topic : TopicSettings.all()) {
            Config config = configs.get(new ConfigResource(ConfigResource.Type.TOPIC, topic.topic()));
            findings.addAll(TopicCheck.check(topic, facts(descriptions.get(topic.topic()), config), cluster));
        }
        return findings;
    }

    /** A topic that was created a moment ago may not be known to the broker that is asked. */
    private Map<String, TopicDescription> describe(Admin admin, List<String> names, long deadlineNanos)
            throws ExecutionException, InterruptedException, TimeoutException {
        while (true) {
            try {
                return get(admin.describeTopics(names).allTopicNames(), deadlineNanos);
            } catch (ExecutionException e) {
                boolean unknown = e.getCause() instanceof UnknownTopicOrPartitionException;
                if (!unknown || System.nanoTime() - deadlineNanos > 0) {
                    throw e;
                }
            }
        }
    }

    private static TopicCheck.Facts facts(TopicDescription description, Config config) {
        Map<String, String> settings = new HashMap<>();
        config.entries()
                .forEach(entry -> settings.put(
                        entry.name(), Optional.ofNullable(entry.value()).orElse("")));
        int replicas = description.partitions().stream()
                .mapToInt(partition -> partition.replicas().size())
                .min()
                .orElse(0);
        return new TopicCheck.Facts(description.partitions().size(), replicas, settings);
    }

    private static <R> R get(KafkaFuture<R> future, long deadlineNanos)
            throws ExecutionException, InterruptedException, TimeoutException {
        return future.get(Math.max(0, deadlineNanos - System.nanoTime()), TimeUnit.NANOSECONDS);
    }

    private DecampException unreachable(Throwable cause) {
        return DecampException.retry(
                "broker-unreachable",
                "The topics could not be set up",
                "Check that a broker answers on " + bus.settings().bootstrap() + " and lets us create topics",
                cause);
    }
}
