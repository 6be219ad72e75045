from django.urls import path

from toguna.engines.channels.post import hooks, views

urlpatterns = [
    path("mail/stop/<str:token>", views.mail_stop, name="mail-stop"),
    path("desk/letters/<int:pk>/<int:number>", views.attachment, name="letter-file"),
    path("push/worker.js", views.push_worker, name="push-worker"),
    path("push/subscribe", views.push_subscribe, name="push-subscribe"),
    path("push/end", views.push_end, name="push-end"),
    path("hook/<slug:kind>/<slug:route>", hooks.hook, name="channels-hook"),
]
