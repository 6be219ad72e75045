from django.urls import path

from toguna.engines.channels import views

urlpatterns = [path("desk/messages/", views.messages, name="messages")]
