import ServiceLifecycle
import X509
import Metrics
