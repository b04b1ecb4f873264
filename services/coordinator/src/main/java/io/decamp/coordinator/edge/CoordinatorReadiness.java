package io.decamp.coordinator.edge;

import io.decamp.edge.kafka.EventPublisher;
import io.decamp.edge.kafka.KafkaRegister;
import io.decamp.edge.kafka.RegisterHealth;
import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/** Whether this service may decide anything. */
@Readiness
@ApplicationScoped
class CoordinatorReadiness implements HealthCheck {
    private final KafkaRegister register;
    private final EventPublisher publisher;

    CoordinatorReadiness(KafkaRegister register, EventPublisher publisher) {
        this.register = register;
        this.publisher = publisher;
    }

    @Override
    public HealthCheckResponse call() {
        return RegisterHealth.of("coordinator", register, publisher);
    }
}
