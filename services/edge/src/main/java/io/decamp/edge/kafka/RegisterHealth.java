package io.decamp.edge.kafka;

import io.decamp.contracts.error.DecampException;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;

/** Readiness of a service that decides by the register: it has read all of it, and can trust what it read. */
public final class RegisterHealth {
    private RegisterHealth() {}

    public static HealthCheckResponse of(String service, KafkaRegister register, EventPublisher publisher) {
        HealthCheckResponseBuilder answer = HealthCheckResponse.named(service + ": hand-off register")
                .withData("events-pending", publisher.pending())
                .withData("events-dropped", publisher.dropped());
        try {
            return answer.status(register.isCaughtUp())
                    .withData("workloads", register.states().size())
                    .build();
        } catch (DecampException e) {
            return answer.down()
                    .withData("code", e.code())
                    .withData("reason", e.getMessage())
                    .build();
        }
    }
}
