from django.urls import path

from toguna.engines.channels import views
from toguna.engines.channels.simulator.views import phone, thread
from toguna.engines.channels.ussd.callbacks import callback

urlpatterns = [
    path("desk/messages/", views.messages, name="messages"),
    path("ussd/<slug:kind>/<slug:key>", callback, name="ussd"),
    path("demo/phone", phone, name="phone"),
    path("demo/phone/thread", thread, name="phone-thread"),
]
